package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// noteRegisterDown says that the population register did not answer when the
// request was sent: an official does what it would have done.
const noteRegisterDown = "register-down"

// submission is a finished draft on its way to becoming a case.
type submission struct {
	draft   forms.Draft
	service *catalogue.Service
	files   map[string][]string // field → names of its files
}

// ErrIneligible says which conditions of the service do not hold.
var ErrIneligible = problem.Invalid("cases.ineligible", "cases.error.ineligible")

// Submit turns a finished draft into a case and says where to send the person:
// to the payment page, or to the page that tells what happens now. Submitting
// the same draft again leads to the case it became. Errors: ErrIneligible with
// the reasons in Params.
func (s *Service) Submit(ctx context.Context, by identity.Actor, draft forms.Draft) (redirect string, err error) {
	c, err := s.create(ctx, by, draft)
	if err != nil {
		return "", err
	}
	return s.lead(ctx, by, c)
}

// Became tells where to send somebody whose draft has become a case already: a
// second click, the back button. found is false for anybody else's draft.
func (s *Service) Became(ctx context.Context, by identity.Actor, draft uuid.UUID) (redirect string, found bool, err error) {
	var c Case
	err = s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) (err error) {
		c, found, err = byDraft(tx, draft)
		return err
	})
	if err != nil || !found || c.ApplicantID != by.AccountID() {
		return "", false, err
	}
	redirect, err = s.lead(ctx, by, c)
	return redirect, err == nil, err
}

// lead says where the person goes on.
func (s *Service) lead(ctx context.Context, by identity.Actor, c Case) (string, error) {
	if c.State == AwaitingPayment {
		url, err := s.Payments.Start(ctx, by, charge(c))
		if err == nil {
			return url, nil
		}
		// The case stays and says so; its page offers to pay again.
		slog.WarnContext(ctx, "payment page not reached", "commune", by.Tenant().Slug(), "case", c.Ref, "error", err.Error())
		return "/area/pratiche/" + c.Ref + "?pagamento=assente", nil
	}
	return "/area/pratiche/" + c.Ref + "/inoltrata", nil
}

func (s *Service) create(ctx context.Context, by identity.Actor, draft forms.Draft) (Case, error) {
	in := submission{draft: draft, files: draft.FileNames}
	offered, err := s.Catalogue.Service(ctx, by.Tenant(), draft.ServiceID) // still offered?
	if err != nil {
		return Case{}, err
	}
	if in.service, err = s.Catalogue.At(ctx, by.Tenant(), draft.ServiceID, draft.ServiceHash); err != nil {
		return Case{}, err
	}
	// The register is asked before the transaction: no call to a provider is
	// made inside one.
	account, subject, down, err := s.subject(ctx, by)
	if err != nil {
		return Case{}, err
	}
	input := s.input(by, in, subject)
	if input.Left, err = s.Catalogue.Left(ctx, by.Tenant(), in.service, input); err != nil {
		return Case{}, err
	}
	outcome, err := in.service.Rules.Evaluate(ctx, input)
	if err != nil {
		return Case{}, err
	}
	if outcome.Verdict == rules.Ineligible {
		return Case{}, ineligible(ctx, outcome)
	}
	c, err := s.newCase(ctx, by, in, input, outcome, subject)
	if err != nil {
		return Case{}, err
	}
	automatic := in.service.Kind == catalogue.Smart && outcome.Verdict == rules.Granted && !down
	begin(&c, in.service.Definition, automatic, down)
	ask, err := others(in.service.Definition, c, account)
	if err != nil {
		return Case{}, err
	}
	if len(ask) > 0 {
		c.await()
	}
	err = s.in(ctx, by, func(tx *tenancy.Tx) error {
		if err := keepDefinition(tx, in.service); err != nil {
			return err
		}
		// The draft's row makes two clicks wait for each other: the slower one
		// finds it submitted, and its case is that of the quicker one.
		err := s.Uploads.Submitted(tx, draft.ID, c.ID)
		if errors.Is(err, forms.ErrNoDraft) {
			known, ok, found := byDraft(tx, draft.ID)
			if found != nil || !ok {
				return errors.Join(err, found)
			}
			c = known
			return nil
		}
		if err != nil {
			return err
		}
		if err := insert(tx, &c); err != nil {
			return err
		}
		if err := s.claim(tx, &c, offered.Definition); err != nil {
			return err
		}
		if c.State == AwaitingConfirmation {
			return s.askOthers(tx, by, c, *in.service.Confirmation, ask)
		}
		return s.announce(tx, by, account, c, in.service.Notifications, automatic, down)
	})
	return c, err
}

// newCase fills in everything but where the case starts.
func (s *Service) newCase(ctx context.Context, by identity.Actor, in submission, input rules.Input, outcome rules.Outcome, subject *registers.Person) (Case, error) {
	lang := in.draft.Lang
	if lang == "" {
		lang = i18n.Reference
	}
	rows, err := in.service.Form.Review(i18n.WithLang(ctx, s.Texts, lang), in.draft.Answers, in.files, forms.Setting{Rules: input, Files: counts(in.files)})
	if err != nil {
		return Case{}, err
	}
	svc, now := in.service, s.Clock.Now()
	c := Case{
		ID: uuid.Must(uuid.NewV7()), DraftID: in.draft.ID, ServiceID: svc.ID, ServiceVersion: svc.Version, DefinitionHash: svc.Hash,
		ServiceTitle: svc.Title, ServiceKind: string(svc.Kind), Office: svc.Office, ApplicantID: by.AccountID(), ApplicantName: by.Name(),
		Lang: lang, Answers: in.draft.Answers, Rows: rows, Outcome: outcome, Subject: subject, FeeLines: []rules.Line{},
		Payment: NoPayment, FeeDemo: svc.DemoFee(), SubmittedAt: now, UpdatedAt: now,
	}
	if days := svc.Term.WorkingDays; days > 0 {
		cal, err := s.calendar(ctx, by.Tenant())
		if err != nil {
			return Case{}, err
		}
		due := rules.PlusWorkingDays(cal, s.today(), int64(days))
		c.DueOn = &due
	}
	return c, nil
}

// begin decides where a new case starts: with the fee, with the paper, or on
// the office's list.
func begin(c *Case, svc catalogue.Definition, automatic, down bool) {
	fee := c.Outcome.Fee.Total
	switch {
	case automatic && fee > 0, svc.Fee.Due == catalogue.OnSubmission && fee > 0 && !automatic && !down && svc.Kind == catalogue.Traditional:
		c.State, c.Payment, c.Fee, c.FeeLines = AwaitingPayment, PaymentDue, fee, c.Outcome.Fee.Lines
	case automatic:
		c.State = Issuing
	default:
		c.State = Received
	}
	if automatic {
		c.Ruling = Granted
	}
	if down {
		c.Note = noteRegisterDown
	}
}

// announce writes what the history, the worker and the applicant must know.
func (s *Service) announce(tx *tenancy.Tx, by identity.Actor, account *identity.Account, c Case, says catalogue.Notifications, automatic, down bool) error {
	if err := s.note(tx, by, c, "submitted", "", nil); err != nil {
		return err
	}
	system := identity.System(tx.Tenant())
	if c.State == Queued {
		if err := s.note(tx, system, c, "queued", "", nil); err != nil {
			return err
		}
		return s.write(tx, account, c, says.Mail.Queued, notifications.CaseQueued, nil)
	}
	switch {
	case down:
		if err := s.note(tx, system, c, "register-down", "", nil); err != nil {
			return err
		}
	case c.Smart() && !automatic:
		if err := s.note(tx, system, c, "referred", "", nil); err != nil {
			return err
		}
	}
	if c.State == Issuing {
		return s.Outbox.Add(tx, jobIssue, issuePayload{CaseID: c.ID, Kind: paperCertificate})
	}
	if c.State == AwaitingPayment {
		return nil // the mail comes with the payment
	}
	if says.Office.Received {
		if err := s.tellOffice(tx, c, notifications.OfficeReceived); err != nil {
			return err
		}
	}
	return s.write(tx, account, c, says.Mail.Received, notifications.CaseReceived, nil)
}

// subject reads the applicant's account and what the population register knows of the applicant; down
// tells that it did not answer.
func (s *Service) subject(ctx context.Context, by identity.Actor) (*identity.Account, *registers.Person, bool, error) {
	a, err := identity.OwnAccount(ctx, s.DB, by)
	if err != nil {
		return nil, nil, false, err
	}
	if a == nil || a.AVS == nil || a.Level < identity.LevelVerified {
		return a, nil, false, nil
	}
	avs, err := swiss.ParseAVS(*a.AVS)
	if err != nil {
		return nil, nil, false, fmt.Errorf("cases: number of account %s: %w", a.ID, err)
	}
	p, err := s.Registers.Person(ctx, by.Tenant(), avs)
	if err == nil {
		return a, &p, false, nil
	}
	// Away, for whatever reason: an official does what the register would.
	return a, nil, !errors.Is(err, registers.ErrNotFound), nil
}

// input is all that the service's rules may read.
func (s *Service) input(by identity.Actor, in submission, subject *registers.Person) rules.Input {
	var facts rules.Register
	if subject != nil {
		facts = subject.Facts(s.today())
	}
	who := rules.Applicant{Level: by.Level(), Kind: "person", ForSelf: true}
	return in.service.Input(in.draft.Answers, counts(in.files), who, facts, s.today())
}

func counts(files map[string][]string) map[string]int {
	out := make(map[string]int, len(files))
	for field, names := range files {
		out[field] = len(names)
	}
	return out
}

func ineligible(ctx context.Context, o rules.Outcome) error {
	var reasons string
	for _, r := range o.Eligibility {
		if !r.Holds {
			reasons += r.Reason.For(ctx) + " "
		}
	}
	return ErrIneligible.With("reasons", reasons)
}

// keepDefinition stores the service as it was when the case was made. Many
// cases share one definition, found by its hash.
func keepDefinition(tx *tenancy.Tx, svc *catalogue.Service) error {
	body, err := json.Marshal(svc.Definition)
	if err != nil {
		return err
	}
	tx.Queue("insert into case_definitions (hash, service_id, definition) values ($1, $2, $3) on conflict do nothing", svc.Hash, svc.ID, string(body))
	return nil
}

// Definition is the service as it was when a case was made.
func (s *Service) Definition(ctx context.Context, t tenancy.Tenant, c Case) (catalogue.Definition, error) {
	var def catalogue.Definition
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		def, err = definition(tx, c)
		return err
	})
	return def, err
}
