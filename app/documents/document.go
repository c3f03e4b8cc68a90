package documents

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// codeLength is 16 characters of 5 bits: 80 bits cannot be guessed, even by
// somebody who may try a million times.
const codeLength = 16

// Paper is an issued document.
type Paper struct {
	ID          uuid.UUID `gorm:"primaryKey"`
	CaseID      uuid.UUID
	CaseRef     string
	OwnerID     uuid.UUID
	Office      string
	Kind        string
	Title       string
	Code        string
	SHA256      string `gorm:"column:sha256"`
	Size        int64
	BlobKey     string
	SealedBy    string // subject of the seal's certificate
	Fingerprint string // of that certificate
	IssuedAt    time.Time
	ValidUntil  *time.Time
	RevokedAt   *time.Time
	Reason      string
}

// TableName is gorm's.
func (Paper) TableName() string { return "documents" }

// Expired reports whether the last day of validity has passed in Ticino.
func (p Paper) Expired(now time.Time) bool {
	return p.ValidUntil != nil && now.In(i18n.Zurich).Format(time.DateOnly) > p.ValidUntil.In(i18n.Zurich).Format(time.DateOnly)
}

// FileName is a name that every system can keep: "certificato-di-domicilio_LUG-2026-7K2M-4.pdf".
func (p Paper) FileName() string {
	var b strings.Builder
	for _, r := range strings.ToLower(p.Title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case strings.ContainsRune("àáâä", r):
			b.WriteByte('a')
		case strings.ContainsRune("èéêë", r):
			b.WriteByte('e')
		case strings.ContainsRune("ìíîï", r):
			b.WriteByte('i')
		case strings.ContainsRune("òóôö", r):
			b.WriteByte('o')
		case strings.ContainsRune("ùúûü", r):
			b.WriteByte('u')
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.Trim(b.String(), "-")
	if len(name) > 80 {
		name = strings.Trim(name[:80], "-")
	}
	return strings.Trim(name+"_"+p.CaseRef, "_") + ".pdf"
}

// Grouped prints a code in fours: "K7RM-2XQ4-9DHT-3W6B".
func Grouped(code string) string {
	var parts []string
	for i := 0; i < len(code); i += 4 {
		parts = append(parts, code[i:min(i+4, len(code))])
	}
	return strings.Join(parts, "-")
}

// parseCode reads a code as people type it; false when it cannot be one.
func parseCode(s string) (string, bool) {
	if len(s) > 200 {
		return "", false
	}
	code := swiss.NormalizeCrockford(s)
	return code, swiss.IsCrockford(code, codeLength)
}
