package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/sportello-ticino/sportello/app/documents/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/seal"
)

// Verdict is whether a paper is genuine, and which.
type Verdict struct {
	Outcome view.Outcome
	Paper   Paper // zero when unknown
}

// Verify answers for a code as people type it. What it cannot find is unknown.
func (s *Service) Verify(ctx context.Context, t tenancy.Tenant, typed string) (Verdict, error) {
	code, ok := parseCode(typed)
	if !ok {
		return Verdict{Outcome: view.Unknown}, nil
	}
	return s.lookup(ctx, t, "code = ?", code)
}

func (s *Service) lookup(ctx context.Context, t tenancy.Tenant, where string, arg any) (Verdict, error) {
	var p Paper
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		p, err = one(tx, where, arg)
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return Verdict{Outcome: view.Unknown}, nil
	case err != nil:
		return Verdict{}, err
	case p.RevokedAt != nil:
		return Verdict{view.Revoked, p}, nil
	case p.Expired(s.Clock.Now()):
		return Verdict{view.Expired, p}, nil
	}
	return Verdict{view.Genuine, p}, nil
}

// VerifyFile answers for a file: it must be the very one that was issued, and
// its seal must be intact and this commune's. A file that names one of our
// papers or carries our seal and is another is altered.
func (s *Service) VerifyFile(ctx context.Context, t tenancy.Tenant, file []byte) (Verdict, error) {
	sum := sha256.Sum256(file)
	v, err := s.lookup(ctx, t, "sha256 = ?", hex.EncodeToString(sum[:]))
	if err != nil {
		return v, err
	}
	report, unreadable := seal.Verify(file)
	if v.Outcome != view.Unknown {
		if unreadable != nil || !report.Genuine() || report.Fingerprint != v.Paper.Fingerprint {
			// Same bytes, broken seal: only our own fault can do that.
			s.Log.Error("issued file without intact seal", "commune", t.Slug(), "document", v.Paper.ID, "problem", report.Problem)
			v.Outcome = view.Altered
		}
		return v, nil
	}
	if code, ok := codeInside(file); ok {
		named, err := s.lookup(ctx, t, "code = ?", code)
		if err != nil || named.Outcome != view.Unknown {
			return Verdict{view.Altered, named.Paper}, err
		}
	}
	if unreadable == nil && report.Fingerprint != "" {
		ours, err := s.lookup(ctx, t, "fingerprint = ?", report.Fingerprint)
		if err != nil || ours.Outcome != view.Unknown {
			return Verdict{Outcome: view.Altered}, err
		}
	}
	return Verdict{Outcome: view.Unknown}, nil
}

// reasonPrefix stands before the code in the seal's reason, which a reader of
// PDF files shows.
const reasonPrefix = "Documento "

var reasonEntry = regexp.MustCompile(`/Reason <FEFF([0-9A-F]{4,400})>`)

// codeInside finds the code in a file that may be damaged: it only serves to
// tell an altered paper from an unknown one.
func codeInside(file []byte) (string, bool) {
	for _, m := range reasonEntry.FindAllSubmatch(file, 4) {
		raw, err := hex.DecodeString(string(m[1]))
		if err != nil || len(raw)%2 != 0 {
			continue
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
		}
		if text, ok := strings.CutPrefix(string(utf16.Decode(units)), reasonPrefix); ok {
			if code, ok := parseCode(text); ok {
				return code, true
			}
		}
	}
	return "", false
}
