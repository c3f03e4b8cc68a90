// Package takeover brings people and running cases of another desk into a
// commune, from two CSV files, with a dry run that does everything but keep it.
//
// It owns the form of the files, the report and the page /console/ripresa, where a
// commune's administrators try the files and then keep what they say. Accounts
// belong to identity and cases to cases. Nothing is overwritten: who and what is known already is left
// as it is, so that a second run, or one with more lines, brings in what is new.
package takeover

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/cases"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Cases is where running cases go.
type Cases interface {
	TakeOver(ctx context.Context, tx *tenancy.Tx, e cases.Elsewhere) (ref string, created bool, err error)
}

// Service takes over.
type Service struct {
	DB     *tenancy.DB
	Cases  Cases
	Outbox *outbox.Outbox
	Files  *blob.Bucket
	Clock  clock.Clock
}

// Columns of the two files; those in PeopleColumns and CaseColumns must be there,
// the optional ones may. A case may have any further column: its name and value
// stand on the case, as they were.
var (
	PeopleColumns  = []string{"email", "first_name", "last_name"}
	PeopleOptional = []string{"firm", "phone", "avs", "language"}
	CaseColumns    = []string{"ref", "service", "email", "submitted_on"}
	CaseOptional   = []string{"due_on", "state"}
)

// Problem is a line that cannot come in, and why: Code is one of reasons, About
// what it speaks of, Why the sentence in English.
type Problem struct {
	File  string `json:"file"`
	Line  int    `json:"line"`
	Code  string `json:"code"`
	About string `json:"about,omitempty"`
	Why   string `json:"why"`
}

// reasons are why a line, or a whole file, cannot come in; the console has the
// same under takeover.problem.<code>.
var reasons = map[string]string{
	"too-many":   "there are more than %s lines: hand them in in parts",
	"csv":        "the file is not CSV: %s",
	"missing":    "column %q is missing",
	"unknown":    "column %q is not known",
	"email":      "email is not an address",
	"name":       "first and last name are both needed",
	"language":   "language is not one of it, de, fr, en",
	"avs":        "avs is not an AVS number",
	"store":      "cannot be stored: is the AVS number another account's?",
	"ref":        "ref is empty",
	"no-account": "no account has this email: add it to the people",
	"submitted":  "submitted_on is not a day of the past such as 2026-03-31",
	"state":      "state is neither received nor in_review: only running cases come in",
	"due":        "due_on is not a day such as 2026-03-31",
	"service":    "the commune does not offer the service %q",
}

func problemOf(file string, line int, code, about string) Problem {
	why := reasons[code]
	if strings.Contains(why, "%") {
		why = fmt.Sprintf(why, about)
	}
	return Problem{file, line, code, about, why}
}

// FileError says that a file as a whole cannot be read.
type FileError struct{ Problem }

// Error names the file and what is wrong.
func (e FileError) Error() string { return e.File + ": " + e.Why }

// Report tells what came in, or would.
type Report struct {
	People      int               `json:"people"`
	KnownPeople int               `json:"known_people"`
	Cases       int               `json:"cases"`
	KnownCases  int               `json:"known_cases"`
	Refs        map[string]string `json:"refs"` // old reference → new one
	Problems    []Problem         `json:"problems"`
	Kept        bool              `json:"kept"`
}

const (
	// progressEvery is after how many lines the progress is told.
	progressEvery = 100
	// maxLines bounds a file: one transaction takes all of it.
	maxLines = 20_000
	// maxProblems bounds the report; who has more mends these first.
	maxProblems = 1000
)

var errDryRun = errors.New("takeover: a dry run keeps nothing")

// Run reads both files (either may be nil) and brings them in, in one transaction.
// It keeps nothing when dry is set or when any line has a problem.
// say is told how many lines of all are done; it may be nil. Errors: FileError;
// the database's.
func (s *Service) Run(ctx context.Context, t tenancy.Tenant, desk string, people, running io.Reader, dry bool, say func(done, of int)) (Report, error) {
	var r Report
	folk, err := read("people", people, PeopleColumns, PeopleOptional, false)
	if err != nil {
		return r, err
	}
	list, err := read("cases", running, CaseColumns, CaseOptional, true)
	if err != nil {
		return r, err
	}
	err = s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		r = Report{Refs: map[string]string{}}
		all := len(folk) + len(list)
		tell := func(done int) {
			if say != nil && done%progressEvery == 0 {
				say(done, all)
			}
		}
		for i, l := range folk {
			if err := s.person(tx, l, &r); err != nil {
				return err
			}
			tell(i + 1)
		}
		for i, l := range list {
			if err := s.running(ctx, tx, desk, l, &r); err != nil {
				return err
			}
			tell(len(folk) + i + 1)
		}
		if dry || len(r.Problems) > 0 {
			return errDryRun
		}
		r.Kept = true
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return r, err
}

// line is one line of a file.
type line struct {
	file   string
	number int
	values map[string]string
	more   []forms.Row // columns that are not ours
}

func (l line) wrong(r *Report, code, about string) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, problemOf(l.file, l.number, code, about))
	}
}

// read takes commas or semicolons, as spreadsheets write them here, with or
// without a byte order mark. Errors: a column that is missing or, where more is
// not allowed, unknown.
func read(file string, in io.Reader, required, optional []string, more bool) ([]line, error) {
	if in == nil {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(in, 256<<20))
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	c := csv.NewReader(bytes.NewReader(data))
	if head, _, _ := bytes.Cut(data, []byte("\n")); bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		c.Comma = ';'
	}
	head, err := c.Read()
	if err != nil {
		return nil, FileError{problemOf(file, 1, "csv", err.Error())}
	}
	for _, need := range required {
		if !slices.Contains(head, need) {
			return nil, FileError{problemOf(file, 1, "missing", need)}
		}
	}
	var out []line
	for {
		values, err := c.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			at := &csv.ParseError{Line: len(out) + 2}
			errors.As(err, &at)
			return nil, FileError{problemOf(file, at.Line, "csv", err.Error())}
		}
		n, _ := c.FieldPos(0)
		if len(out) == maxLines {
			return nil, FileError{problemOf(file, n, "too-many", strconv.Itoa(maxLines))}
		}
		l := line{file: file, number: n, values: map[string]string{}}
		for i, v := range values {
			v = strings.TrimSpace(v)
			switch {
			case slices.Contains(required, head[i]) || slices.Contains(optional, head[i]):
				l.values[head[i]] = v
			case !more:
				return nil, FileError{problemOf(file, 1, "unknown", head[i])}
			case v != "":
				l.more = append(l.more, forms.Row{Field: fmt.Sprintf("c%d", i), Label: head[i], Value: v})
			}
		}
		out = append(out, l)
	}
}

func (s *Service) person(tx *tenancy.Tx, l line, r *Report) error {
	email, ok := identity.NormalEmail(l.values["email"])
	switch {
	case !ok:
		l.wrong(r, "email", l.values["email"])
		return nil
	case l.values["first_name"] == "" || l.values["last_name"] == "":
		l.wrong(r, "name", "")
		return nil
	}
	known, err := identity.AccountByEmail(tx, email)
	if err != nil {
		return err
	}
	if known != nil {
		r.KnownPeople++
		return nil
	}
	a := identity.Account{ID: uuid.Must(uuid.NewV7()), Email: email, FirstName: l.values["first_name"], LastName: l.values["last_name"],
		Firm: l.values["firm"], Phone: l.values["phone"], Lang: "it", CreatedAt: s.Clock.Now()}
	if lang := l.values["language"]; slices.Contains([]string{"it", "de", "fr", "en"}, lang) {
		a.Lang = lang
	} else if lang != "" {
		l.wrong(r, "language", lang)
		return nil
	}
	if n := l.values["avs"]; n != "" {
		avs, err := swiss.ParseAVS(n)
		if err != nil {
			l.wrong(r, "avs", "")
			return nil //nolint:nilerr // told in the report
		}
		text := avs.String()
		a.AVS = &text
	}
	// Nobody's identity was checked here: the account counts once its owner has
	// set a password at the link in a mail.
	if err := tx.Nested(func() error { return identity.SaveAccount(tx, &a) }); err != nil {
		l.wrong(r, "store", "")
		return nil //nolint:nilerr // told in the report
	}
	r.People++
	return nil
}

func (s *Service) running(ctx context.Context, tx *tenancy.Tx, desk string, l line, r *Report) error {
	email, _ := identity.NormalEmail(l.values["email"])
	a, err := identity.AccountByEmail(tx, email)
	if err != nil {
		return err
	}
	e := cases.Elsewhere{Desk: desk, Ref: l.values["ref"], ServiceID: l.values["service"], Answers: l.more, InReview: l.values["state"] == "in_review"}
	submitted, serr := time.Parse(time.DateOnly, l.values["submitted_on"])
	e.Submitted = submitted
	switch {
	case e.Ref == "":
		l.wrong(r, "ref", "")
		return nil
	case a == nil:
		l.wrong(r, "no-account", email)
		return nil //nolint:nilerr // told in the report
	case serr != nil || submitted.After(s.Clock.Now()):
		l.wrong(r, "submitted", l.values["submitted_on"])
		return nil //nolint:nilerr // told in the report
	case l.values["state"] != "" && l.values["state"] != "received" && !e.InReview:
		l.wrong(r, "state", l.values["state"])
		return nil //nolint:nilerr // told in the report
	}
	e.Applicant = *a
	if d := l.values["due_on"]; d != "" {
		due, err := time.Parse(time.DateOnly, d)
		if err != nil {
			l.wrong(r, "due", d)
			return nil //nolint:nilerr // told in the report
		}
		e.Due = &due
	}
	ref, created, err := s.Cases.TakeOver(ctx, tx, e)
	switch {
	case errors.Is(err, cases.ErrNoService):
		l.wrong(r, "service", e.ServiceID)
		return nil
	case err != nil:
		return err
	case created:
		r.Cases++
	default:
		r.KnownCases++
	}
	r.Refs[e.Ref] = ref
	return nil
}
