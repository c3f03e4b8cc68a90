package forms

import (
	"strings"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The problems of forms.
var (
	// ErrNoDraft means that there is no such draft of this person.
	ErrNoDraft = problem.NotFound("forms.no-draft", "forms.draft.not_found")
	// ErrLevel means that the account's trust level is below the service's.
	ErrLevel = problem.Forbidden("forms.level", "forms.eligibility.level")
	// ErrNotEligible means that a condition of the service does not hold.
	ErrNotEligible = problem.Forbidden("forms.not-eligible", "forms.eligibility.reason")
	// ErrIncomplete means that a draft has answers missing or wrong.
	ErrIncomplete = problem.Invalid("forms.incomplete", "forms.step.incomplete")
	// ErrFileTooLarge, ErrFileEmpty, ErrFileType, ErrFileInfected and
	// ErrTooManyFiles refuse an upload by its name.
	ErrFileTooLarge = problem.TooLarge("forms.file-too-large", "forms.upload.too_large")
	ErrFileEmpty    = problem.Invalid("forms.file-empty", "forms.upload.empty")
	ErrFileType     = problem.Invalid("forms.file-type", "forms.upload.type")
	ErrFileInfected = problem.Invalid("forms.file-infected", "forms.upload.infected")
	ErrTooManyFiles = problem.Invalid("forms.too-many-files", "forms.upload.too_many")
	// ErrStorageFull means that the commune may keep no more files for now.
	// The page adds whom to call: see WithPhone.
	ErrStorageFull = problem.Invalid("forms.storage-full", "forms.upload.full")
	// ErrTooMuch means that a page holds more than is kept while somebody types.
	ErrTooMuch = problem.TooLarge("forms.too-much", "forms.draft.too_much")
	// ErrScannerAway means that a scanner is configured and does not answer:
	// no file is taken unseen.
	ErrScannerAway = problem.Unavailable("forms.scanner-away", "forms.upload.scanner_away")
)

// WithPhone adds to ErrStorageFull whom to call; other problems, and an office
// without a number, leave it as it is.
func WithPhone(p *problem.Error, phone string) *problem.Error {
	if p.Code != ErrStorageFull.Code || phone == "" {
		return p
	}
	told := p.With("phone", strings.ReplaceAll(phone, " ", "\u00a0")) // a number stays on one line
	told.Key = "forms.upload.full_phone"
	return told
}
