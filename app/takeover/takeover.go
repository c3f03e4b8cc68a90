// Package takeover brings people and running cases of another desk into a
// commune, from two CSV files, with a dry run that does everything but keep it.
//
// It owns the form of the files and the report. Accounts belong to identity and
// cases to cases. Nothing is overwritten: who and what is known already is left
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
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/cases"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Cases is where running cases go.
type Cases interface {
	TakeOver(ctx context.Context, tx *tenancy.Tx, e cases.Elsewhere) (ref string, created bool, err error)
}

// Service takes over.
type Service struct {
	DB    *tenancy.DB
	Cases Cases
	Clock clock.Clock
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

// Problem is a line that cannot come in, and why.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Why  string `json:"why"`
}

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

var errDryRun = errors.New("takeover: a dry run keeps nothing")

// Run reads both files (either may be nil) and brings them in, in one transaction.
// It keeps nothing when dry is set or when any line has a problem.
func (s *Service) Run(ctx context.Context, t tenancy.Tenant, desk string, people, running io.Reader, dry bool) (Report, error) {
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
		for _, l := range folk {
			if err := s.person(tx, l, &r); err != nil {
				return err
			}
		}
		for _, l := range list {
			if err := s.running(ctx, tx, desk, l, &r); err != nil {
				return err
			}
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

func (l line) wrong(r *Report, why string) {
	r.Problems = append(r.Problems, Problem{l.file, l.number, why})
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
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, need := range required {
		if !slices.Contains(head, need) {
			return nil, fmt.Errorf("%s: column %q is missing; there must be %s, there may be %s", file, need, strings.Join(required, ", "), strings.Join(optional, ", "))
		}
	}
	var out []line
	for {
		values, err := c.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		n, _ := c.FieldPos(0)
		l := line{file: file, number: n, values: map[string]string{}}
		for i, v := range values {
			v = strings.TrimSpace(v)
			switch {
			case slices.Contains(required, head[i]) || slices.Contains(optional, head[i]):
				l.values[head[i]] = v
			case !more:
				return nil, fmt.Errorf("%s: unknown column %q; there may be %s", file, head[i], strings.Join(optional, ", "))
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
		l.wrong(r, "email is not an address")
		return nil
	case l.values["first_name"] == "" || l.values["last_name"] == "":
		l.wrong(r, "first and last name are both needed")
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
		l.wrong(r, "language is not one of it, de, fr, en")
		return nil
	}
	if n := l.values["avs"]; n != "" {
		avs, err := swiss.ParseAVS(n)
		if err != nil {
			l.wrong(r, "avs is not an AVS number")
			return nil //nolint:nilerr // told in the report
		}
		text := avs.String()
		a.AVS = &text
	}
	// Nobody's identity was checked here: the account counts once its owner has
	// set a password at the link in a mail.
	if err := tx.Nested(func() error { return identity.SaveAccount(tx, &a) }); err != nil {
		l.wrong(r, "cannot be stored: is the AVS number another account's?")
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
		l.wrong(r, "ref is empty")
		return nil
	case a == nil:
		l.wrong(r, "no account has this email: add it to the people")
		return nil //nolint:nilerr // told in the report
	case serr != nil || submitted.After(s.Clock.Now()):
		l.wrong(r, "submitted_on is not a day of the past such as 2026-03-31")
		return nil //nolint:nilerr // told in the report
	case l.values["state"] != "" && l.values["state"] != "received" && !e.InReview:
		l.wrong(r, "state is neither received nor in_review: only running cases come in")
		return nil //nolint:nilerr // told in the report
	}
	e.Applicant = *a
	if d := l.values["due_on"]; d != "" {
		due, err := time.Parse(time.DateOnly, d)
		if err != nil {
			l.wrong(r, "due_on is not a day such as 2026-03-31")
			return nil //nolint:nilerr // told in the report
		}
		e.Due = &due
	}
	ref, created, err := s.Cases.TakeOver(ctx, tx, e)
	switch {
	case errors.Is(err, cases.ErrNoService):
		l.wrong(r, fmt.Sprintf("the commune does not offer the service %q", e.ServiceID))
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
