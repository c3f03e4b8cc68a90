package cases

import (
	"context"
	"fmt"
	"strings"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// RulingInput is what the official writes; number and date, legal basis and
// remedy come from the service and the day.
type RulingInput struct {
	Granted    bool
	Facts      string
	Reasons    string
	Conditions string
}

// Decide rules on a case. The fee reckoned by the service's rules falls due
// when the request is granted; the sealed decision is made by a job, and the
// applicant hears of it by mail. Errors: problem.Invalid with Fields.
func (s *Service) Decide(ctx context.Context, by identity.Actor, ref string, in RulingInput) error {
	in.Facts, in.Reasons, in.Conditions = strings.TrimSpace(in.Facts), strings.TrimSpace(in.Reasons), strings.TrimSpace(in.Conditions)
	fields := map[string]string{}
	if _, err := words(in.Reasons); err != nil {
		fields["reasons"] = "desk.error.reasons"
	}
	if len(in.Facts) > maxText || len(in.Conditions) > maxText {
		fields["conditions"] = "cases.error.text"
	}
	if len(fields) > 0 {
		return &problem.Error{Kind: problem.KindInvalid, Code: "cases.decide", Key: "error.form", Fields: fields}
	}
	return s.desk(ctx, by, ref, StepDecide, func(tx *tenancy.Tx, c *Case) (string, string, error) {
		def, err := definition(tx, *c)
		if err != nil {
			return "", "", err
		}
		now := s.Clock.Now()
		number, err := nextNumber(tx, s.today().Year())
		if err != nil {
			return "", "", err
		}
		c.Ruling = Refused
		if in.Granted {
			c.Ruling = Granted
		} else if err := s.giveBack(tx, *c); err != nil {
			return "", "", err
		}
		c.DecidedAt = &now
		c.Decision = Decision{Number: number, Date: now, Facts: in.Facts, Reasons: in.Reasons, Conditions: in.Conditions,
			LegalBasis: def.LegalBasis, Remedy: def.Remedy.In("it"), By: by.Name()}
		if c.Ruling == Granted && c.Outcome.Fee.Total > 0 && c.Payment == NoPayment {
			c.Fee, c.FeeLines, c.Payment = c.Outcome.Fee.Total, c.Outcome.Fee.Lines, PaymentDue
		}
		if err := s.Outbox.Add(tx, jobIssue, issuePayload{CaseID: c.ID, Kind: paperDecision}); err != nil {
			return "", "", err
		}
		return "decided-" + string(c.Ruling), "", nil
	})
}

// nextNumber counts the commune's rulings of a year: "2026/17".
func nextNumber(tx *tenancy.Tx, year int) (string, error) {
	var n int64
	err := tx.QueryRow(`insert into case_numbers (year, last) values ($1, 1)
		on conflict (year) do update set last = case_numbers.last + 1 returning last`, year).Scan(&n)
	return fmt.Sprintf("%d/%d", year, n), err
}

func (s *Service) audited(tx *tenancy.Tx, by identity.Actor, action string, c Case) error {
	return audit.Record(tx, by, action, "case:"+c.Ref, nil)
}
