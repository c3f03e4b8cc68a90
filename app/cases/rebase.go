package cases

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

var (
	// ErrSameVersion means that a case is on the version in force already.
	ErrSameVersion = problem.Conflict("cases.same-version", "cases.error.same-version")
	// ErrAnswersMissing means that the version in force needs answers the case has
	// not: its fee or its checks cannot be reckoned.
	ErrAnswersMissing = problem.Conflict("cases.answers-missing", "cases.error.answers-missing")
)

// mayMove reports whether a case can move to another version of its service: an
// official looks at it, and nothing is paid or decided.
func (c Case) mayMove() bool {
	return (c.State == InReview || c.State == AwaitingApplicant) && c.Payment == NoPayment
}

// Newer is the service in force where a case was made with another version; nil
// where it is the same.
func (s *Service) Newer(ctx context.Context, t tenancy.Tenant, c Case) (old, now *catalogue.Service, err error) {
	if now, err = s.Catalogue.At(ctx, t, c.ServiceID, ""); err != nil {
		if errors.Is(err, catalogue.ErrNotOffered) {
			err = nil // gone with its folder: the case goes on as it is
		}
		return nil, nil, err
	}
	if now.Hash == c.DefinitionHash {
		return nil, nil, nil
	}
	if old, err = s.Catalogue.At(ctx, t, c.ServiceID, c.DefinitionHash); err != nil {
		return nil, nil, err
	}
	return old, now, nil
}

// Move puts an open case of the actor on the version of its service that is in
// force and whose hash the actor has seen: form, rules and fee are reckoned again
// as of the day it was sent. Term, office and state stay; answers the new form has
// no place for stay on the case. Errors: ErrState, ErrNotMine, ErrSameVersion,
// ErrAnswersMissing.
func (s *Service) Move(ctx context.Context, by identity.Actor, ref, hash string) error {
	var c Case
	if err := s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) (err error) {
		c, err = ours(tx, by, ref, false)
		return err
	}); err != nil {
		return err
	}
	_, now, err := s.Newer(ctx, by.Tenant(), c)
	if err != nil {
		return err
	}
	if now == nil || now.Hash != hash {
		return ErrSameVersion
	}
	return s.in(ctx, by, func(tx *tenancy.Tx) error {
		c, err := ours(tx, by, ref, true)
		if err != nil {
			return err
		}
		switch {
		case c.AssigneeID == nil || *c.AssigneeID != by.AccountID():
			return ErrNotMine
		case !c.mayMove():
			return ErrState.With("state", string(c.State))
		case c.DefinitionHash == now.Hash:
			return ErrSameVersion
		}
		from := c.ServiceVersion
		if err := s.reckonAgain(ctx, tx, &c, now); err != nil {
			return err
		}
		if err := keepDefinition(tx, now); err != nil {
			return err
		}
		if err := save(tx, c); err != nil {
			return err
		}
		return s.note(tx, by, c, "moved", "", map[string]string{"from": i18n.Number(from), "to": i18n.Number(c.ServiceVersion)})
	})
}

// reckonAgain reads the answers as another version of the service does.
func (s *Service) reckonAgain(ctx context.Context, tx *tenancy.Tx, c *Case, now *catalogue.Service) error {
	raw, err := json.Marshal(c.Answers)
	if err != nil {
		return err
	}
	answers := now.Form.Salvage(raw)
	uploads, err := s.Uploads.OfCase(tx, c.ID)
	if err != nil {
		return err
	}
	names := map[string][]string{}
	for _, u := range uploads {
		names[u.Field] = append(names[u.Field], u.Name)
	}
	who := rules.Applicant{Kind: "person", ForSelf: true}
	if a, err := identity.AccountByID(tx, c.ApplicantID); err != nil {
		return err
	} else if a != nil {
		who.Level = a.Level
	}
	var facts rules.Register
	if c.Subject != nil {
		facts = c.Subject.Facts(c.SubmittedAt.In(i18n.Zurich))
	}
	input := now.Input(answers, counts(names), who, facts, c.SubmittedAt.In(i18n.Zurich))
	// What it holds or waits for is its own: conditions find enough, and the pot
	// stays the one that was drawn from.
	input.Left = rules.Left{Places: 1, Credit: money.Max}
	outcome, err := now.Rules.Evaluate(ctx, input)
	if errors.Is(err, rules.ErrEvaluation) {
		return ErrAnswersMissing
	}
	if err != nil {
		return err
	}
	rows, err := now.Form.Review(i18n.WithLang(ctx, s.Texts, c.Lang), answers, names, forms.Setting{Rules: input, Files: counts(names)})
	if err != nil {
		return err
	}
	c.Rows = append(rows, left(ctx, c.Rows, rows)...)
	for field, value := range c.Answers { // nothing that was typed is lost
		if _, has := answers[field]; !has {
			answers[field] = value
		}
	}
	outcome.Pot = c.Outcome.Pot
	c.Answers, c.Outcome, c.ServiceVersion, c.DefinitionHash, c.ServiceTitle = answers, outcome, now.Version, now.Hash, now.Title
	c.UpdatedAt = s.Clock.Now()
	return nil
}

// left are the rows of the earlier version that the new one does not have.
func left(ctx context.Context, old, now []forms.Section) []forms.Section {
	has := map[string]bool{}
	for _, section := range now {
		for _, row := range section.Rows {
			has[row.Field] = true
		}
	}
	out := forms.Section{Step: "versione-di-prima", Title: i18n.T(ctx, "cases.rebase.left")}
	for _, section := range old {
		for _, row := range section.Rows {
			if !has[row.Field] && (row.Value != "" || len(row.Files) > 0) {
				out.Rows = append(out.Rows, row)
			}
		}
	}
	if len(out.Rows) == 0 {
		return nil
	}
	return []forms.Section{out}
}
