package cases

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/documents"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/pdf"
)

// jobIssue makes a case's sealed paper. It may run twice: documents issues one
// paper per case and kind.
const jobIssue = "cases.issue"

// The kinds of papers.
const (
	paperCertificate = "certificate"
	paperDecision    = "decision"
)

type issuePayload struct {
	CaseID uuid.UUID `json:"case_id"`
	Kind   string    `json:"kind"`
}

// issue renders, seals and keeps the paper, then closes the step: the case, its
// history and the mail are one transaction.
func (s *Service) issue(ctx context.Context, t tenancy.Tenant, job outbox.Job) error {
	var p issuePayload
	if err := job.Decode(&p); err != nil {
		return err
	}
	var c Case
	var def catalogue.Definition
	if err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		if c, err = byID(tx, p.CaseID, false); err != nil {
			return err
		}
		def, err = definition(tx, c)
		return err
	}); err != nil {
		return err
	}
	face, err := s.Sites.Get(ctx, t)
	if err != nil {
		return err
	}
	req, err := s.paper(ctx, t, face, c, def, p.Kind)
	if err != nil {
		return err
	}
	if _, err := s.Documents.Issue(ctx, t, req); err != nil {
		return err
	}
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return s.issued(tx, p, def) })
}

// issued notes that the paper is there; a second time it does nothing.
func (s *Service) issued(tx *tenancy.Tx, p issuePayload, def catalogue.Definition) error {
	c, err := byID(tx, p.CaseID, true)
	if err != nil {
		return err
	}
	already, err := hasEvent(tx, c.ID, "issued")
	if err != nil || already {
		return err
	}
	by, now, template := identity.System(tx.Tenant()), s.Clock.Now(), notifications.DocumentReady
	switch {
	case c.State == Issuing:
		if err := c.move(StepIssue, now); err != nil {
			return err
		}
	case c.State == Decided && c.Payment != PaymentDue:
		if err := c.move(StepFinish, now); err != nil {
			return err
		}
	}
	if p.Kind == paperDecision {
		template = notifications.Decision
	}
	s.keepEnd(&c, def)
	if err := save(tx, c); err != nil {
		return err
	}
	if err := s.note(tx, by, c, "issued", "", nil); err != nil {
		return err
	}
	return s.tell(tx, c, template, nil)
}

// paper is what documents needs to issue a case's paper.
func (s *Service) paper(ctx context.Context, t tenancy.Tenant, face *site.Site, c Case, def catalogue.Definition, kind string) (documents.Request, error) {
	lang := "it" // decisions are binding in Italian alone
	title := i18n.T(i18n.WithLang(ctx, s.Texts, lang), "cases.paper.resolution", "number", c.Decision.Number, "date", i18n.Date(c.Decision.Date))
	issued := s.Clock.Now()
	if c.DecidedAt != nil {
		issued = *c.DecidedAt
	}
	var body string
	if kind == paperCertificate {
		lang = paperLang(c)
		title, body = def.Output.Title.In(lang), def.Output.Body.In(lang)
	}
	ctx = i18n.WithLang(ctx, s.Texts, lang)
	req := documents.Request{CaseID: c.ID, CaseRef: c.Ref, OwnerID: c.ApplicantID, Office: c.Office, Kind: kind, Title: title, IssuedAt: issued}
	if kind == paperCertificate {
		req.ValidUntil = end(c, def, issued)
	}
	office := face.Office(c.Office)
	brand := pdf.Brand{Name: face.OfficialName, Colour: face.Brand.First, Mark: face.MarkSVG, Sender: nonEmpty(office.Name, office.Address, office.Phone)}
	place := i18n.T(ctx, "cases.paper.place-date", "place", t.Name(), "date", i18n.LongDate(ctx, issued))
	if kind == paperDecision {
		req.Render = s.decisionPaper(ctx, c, brand, office, place, issued, title)
		return req, nil
	}
	words, err := s.paperWords(ctx, t, c)
	if err != nil {
		return req, err
	}
	until := ""
	if req.ValidUntil != nil {
		until = i18n.Date(*req.ValidUntil)
	}
	words["valid_until"] = until
	pairs := make([]any, 0, 2*len(words))
	for k, v := range words {
		pairs = append(pairs, k, v)
	}
	req.Render = func(v pdf.Verification) ([]byte, error) {
		return pdf.Certificate{Brand: brand, Lang: lang, Title: title, Notice: s.notice(ctx), Statement: paragraphs(i18n.Fill(body, pairs...)),
			ValidTo: until, PlaceDate: place, Signatory: []string{office.Name}, Reference: c.Ref, Verification: v, Created: issued}.Render()
	}
	return req, nil
}

func (s *Service) decisionPaper(ctx context.Context, c Case, brand pdf.Brand, office site.Office, place string, issued time.Time, title string) func(pdf.Verification) ([]byte, error) {
	d := c.Decision
	facts := append([]string{i18n.T(ctx, "cases.paper.facts", "date", i18n.Date(c.SubmittedAt), "name", c.ApplicantName, "service", c.ServiceTitle.For(ctx))}, paragraphs(d.Facts)...)
	ruling := []string{i18n.T(ctx, "cases.paper.ruling-"+string(c.Ruling))}
	var fee []pdf.Row
	total := ""
	if c.Fee > 0 {
		total = c.Fee.String()
		ruling = append(ruling, i18n.T(ctx, "cases.paper.ruling-fee", "amount", total))
		for _, l := range c.FeeLines {
			fee = append(fee, pdf.Row{Label: l.Label.For(ctx), Value: l.Amount.String()})
		}
	}
	if c.Ruling == Granted {
		for _, s := range forms.Reckoned(ctx, granted(c), c.Outcome.Instalments) {
			for _, row := range s.Rows {
				ruling = append(ruling, row.Label+": "+row.Value+".")
			}
		}
	}
	ruling = append(ruling, i18n.T(ctx, "cases.paper.ruling-notice"))
	recipient := []string{c.ApplicantName}
	if c.Subject != nil {
		recipient = append(recipient, c.Subject.Street, strings.TrimSpace(c.Subject.Postcode+" "+c.Subject.Town))
	}
	return func(v pdf.Verification) ([]byte, error) {
		return pdf.Decision{Brand: brand, Lang: "it", Recipient: recipient, PlaceDate: place, Resolution: title,
			Subject: i18n.T(ctx, "cases.paper.subject", "service", c.ServiceTitle.For(ctx), "ref", c.Ref), Notice: s.notice(ctx),
			Salutation: i18n.T(ctx, "cases.paper.salutation", "name", c.ApplicantName), Facts: facts, Reasons: paragraphs(d.Reasons),
			LegalBasis: d.LegalBasis, Ruling: ruling, Conditions: paragraphs(d.Conditions), Fee: fee, Total: total,
			Remedies: nonEmpty(d.Remedy), Greeting: i18n.T(ctx, "cases.paper.greeting"), Signatory: nonEmpty(office.Name, d.By),
			Reference: c.Ref, Verification: v, Created: issued}.Render()
	}
}

// notice warns on every paper of the demo.
func (s *Service) notice(ctx context.Context) string {
	if !s.Demo {
		return ""
	}
	return i18n.T(ctx, "cases.paper.demo")
}

// paperWords are what a paper's text may name (catalogue.Output.Body), in the
// language of ctx.
func (s *Service) paperWords(ctx context.Context, t tenancy.Tenant, c Case) (map[string]string, error) {
	out := map[string]string{"commune": t.Name(), "name": c.ApplicantName, "today": i18n.LongDate(ctx, s.today()), "grant": granted(c).String()}
	if c.Subject != nil {
		maps.Copy(out, c.Subject.Words())
	}
	rows := c.Rows
	if i18n.Lang(ctx) != c.Lang {
		var err error
		if rows, err = s.rowsAgain(ctx, t, c); err != nil {
			return nil, err
		}
	}
	for _, section := range rows {
		for _, row := range section.Rows {
			out["answers."+row.Field] = row.Value
		}
	}
	if other := out["answers.motivo_altro"]; other != "" {
		out["answers.motivo"] = other
	}
	out["purpose"] = out["answers.motivo"]
	return out, nil
}

// rowsAgain reads the answers in the language of ctx, which is not the one the
// form was filled in; the rows as kept when the service has changed since.
func (s *Service) rowsAgain(ctx context.Context, t tenancy.Tenant, c Case) ([]forms.Section, error) {
	svc, err := s.Catalogue.At(ctx, t, c.ServiceID, c.DefinitionHash)
	if err != nil || svc.Hash != c.DefinitionHash {
		return c.Rows, nil //nolint:nilerr // that version is not kept: the rows are right
	}
	raw, err := json.Marshal(c.Answers)
	if err != nil {
		return nil, err
	}
	answers, err := svc.Form.Decode(raw)
	if err != nil {
		return nil, err
	}
	return svc.Form.Review(ctx, answers, nil, forms.Setting{Rules: svc.Input(answers, nil, rules.Applicant{}, rules.Register{}, c.SubmittedAt)})
}

// paperLang is the language somebody chose for the paper where the service
// asks; Italian otherwise.
func paperLang(c Case) string {
	if lang, ok := c.Answers["lingua"].(string); ok && slices.Contains(i18n.Languages, lang) {
		return lang
	}
	return "it"
}

func nonEmpty(list ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return strings.TrimSpace(s) == "" })
}
