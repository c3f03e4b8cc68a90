package cases

import (
	"context"
	"errors"
	"strings"

	"github.com/sportello-ticino/sportello/app/cases/view"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// show is /area/pratiche/{ref}: one case as the person who asked sees it.
func (m *Module) show(r *web.Request) error {
	v, err := m.Own(r.Ctx(), r.Actor(), r.Param("ref"))
	if err != nil {
		return err
	}
	page := m.casePage(r, v)
	if done := r.Done("cases.notice"); done != "" {
		page.Notice = done
	}
	if r.Query("pagamento") == "assente" {
		page.Notice, page.Tone = i18n.T(r.Ctx(), "cases.pay.unavailable"), ui.Warning
	}
	var opts []web.PageOption
	if v.Case.State == Issuing || v.Settled {
		page.Waiting, opts = true, append(opts, web.Refresh(3))
	}
	return r.Page(200, page.Title, view.Case(page), opts...)
}

func (m *Module) casePage(r *web.Request, v View) view.CasePage {
	ctx, c := r.Ctx(), v.Case
	base := "/area/pratiche/" + c.Ref
	page := view.CasePage{Ref: c.Ref, Title: c.ServiceTitle.For(ctx), State: status(ctx, c, citizenSide, m.today()),
		Timeline: moments(ctx, v.Events, c, citizenSide), Documents: append(paperRows(ctx, v.Papers, paperURL), uploadRows(base, v.Uploads)...),
		Sections: sections(ctx, c)}
	office := r.Site().Office(c.Office)
	page.Facts = []ui.Fact{
		{Term: i18n.T(ctx, "cases.fact.ref"), Value: c.Ref, Num: true},
		{Term: i18n.T(ctx, "cases.fact.office"), Value: office.Name, Note: office.Phone},
		{Term: i18n.T(ctx, "cases.fact.submitted"), Value: i18n.Date(c.SubmittedAt), Num: true},
	}
	if due := dueText(ctx, c); due != "" && c.State.Open() {
		page.Facts = append(page.Facts, ui.Fact{Term: i18n.T(ctx, "cases.fact.due"), Value: due, Num: c.PausedAt == nil})
	}
	if c.EndsOn != nil {
		page.Facts = append(page.Facts, ui.Fact{Term: i18n.T(ctx, "cases.fact.ends"), Value: i18n.Date(*c.EndsOn), Num: true})
	}
	page.Facts = append(page.Facts, waitedFacts(ctx, v)...)
	if v.Place != nil {
		page.Facts = append(page.Facts, ui.Fact{Term: v.Place.Label, Value: v.Place.fact(ctx), Note: v.Place.Grant})
	}
	for i := range v.Papers {
		if c.State == Completed || v.Papers[i].Kind == paperDecision {
			page.Ready = paperLink(ctx, v.Papers[i], paperURL)
		}
	}
	if page.Decision = decision(ctx, c, page.Ready); page.Decision != nil {
		page.Ready = nil
	}
	if req := v.OpenRequest(); req != nil && c.State == AwaitingApplicant {
		page.Request = m.requestPart(ctx, *req, base, "", nil)
	}
	switch {
	case v.Settled:
		page.Notice = i18n.T(ctx, "cases.notice.paid")
		if c.State == AwaitingPayment {
			page.State = ui.State{Tone: ui.Info, Text: i18n.T(ctx, "cases.state.citizen.issuing")}
		}
	case c.Payment == PaymentDue && c.State != Withdrawn:
		page.Pay = payPart(ctx, v, base)
	}
	if c.State.May(StepWithdraw) && !v.Settled {
		page.Withdraw = base + "/ritira"
	}
	return page
}

// waitedFacts are the persons a case waits for.
func waitedFacts(ctx context.Context, v View) []ui.Fact {
	var out []ui.Fact
	for _, w := range v.Waited {
		out = append(out, ui.Fact{Term: i18n.T(ctx, "cases.fact.waited"), Value: w.Name, Note: i18n.T(ctx, "cases.fact.waited-until", "date", i18n.Date(w.Until))})
	}
	return out
}

// Fields of the answer to a request.
const (
	fieldReply = "risposta"
	fieldFiles = "file"
)

func (m *Module) requestPart(ctx context.Context, q Request, base, typed string, problems []ui.Problem) *view.Request {
	fields := []ui.Input{
		{Kind: ui.File, Name: fieldFiles, Label: i18n.T(ctx, "cases.request.files"), Help: i18n.T(ctx, "cases.request.files-help"), Multiple: true, Accept: m.Uploads.Accept()},
		{Kind: ui.Textarea, Name: fieldReply, Label: i18n.T(ctx, "cases.request.text"), Value: typed, Rows: 4, MaxLength: maxText},
	}
	for _, p := range problems {
		for i := range fields {
			if fields[i].Name == p.Name {
				fields[i].Error = p.Text
			}
		}
	}
	return &view.Request{Title: i18n.T(ctx, "cases.request.title"), Text: q.Text, Paused: true, Problems: problems, Fields: fields, Action: base + "/rispondi"}
}

func payPart(ctx context.Context, v View, base string) *view.Pay {
	c := v.Case
	p := &view.Pay{Amount: c.Fee.String(), Lines: fees(ctx, c), Text: i18n.T(ctx, "cases.pay.before"),
		Methods: i18n.T(ctx, "cases.pay.methods"), Demo: c.FeeDemo, Action: base + "/paga"}
	if c.State == Decided {
		p.Text = i18n.T(ctx, "cases.pay.after")
	}
	if len(v.Events) > 0 && v.Events[0].Kind == "payment-failed" {
		p.Problem = i18n.T(ctx, "cases.pay.failed")
	}
	return p
}

// pay is POST /area/pratiche/{ref}/paga: on to the provider's payment page.
func (m *Module) pay(r *web.Request) error {
	url, err := m.Pay(r.Ctx(), r.Actor(), r.Param("ref"))
	var p *problem.Error
	if errors.As(err, &p) && p.Kind == problem.KindUnavailable {
		return r.Redirect("/area/pratiche/" + r.Param("ref") + "?pagamento=assente")
	}
	if errors.Is(err, ErrState) { // paid in another window
		return r.Redirect("/area/pratiche/" + r.Param("ref"))
	}
	if err != nil {
		return err
	}
	return r.Redirect(url)
}

// reply is POST /area/pratiche/{ref}/rispondi: the missing paper.
func (m *Module) reply(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	ref, typed := r.Param("ref"), strings.TrimSpace(form.Get(fieldReply))
	err = m.Reply(r.Ctx(), r.Actor(), ref, typed, attached(r.Files(fieldFiles)))
	var p *problem.Error
	if errors.As(err, &p) && (p.Kind == problem.KindInvalid || p.Kind == problem.KindTooLarge) {
		v, verr := m.Own(r.Ctx(), r.Actor(), ref)
		if verr != nil {
			return verr
		}
		page := m.casePage(r, v)
		text, name := i18n.T(r.Ctx(), "cases.request.error"), fieldReply
		if !errors.Is(err, ErrText) {
			text, name = r.Words(forms.WithPhone(p, r.Site().PhoneOf(v.Case.Office))), fieldFiles
		}
		if q := v.OpenRequest(); q != nil {
			page.Request = m.requestPart(r.Ctx(), *q, "/area/pratiche/"+ref, typed, []ui.Problem{{Name: name, Text: text}})
		}
		return r.Page(422, page.Title, view.Case(page))
	}
	if err != nil {
		return err
	}
	return r.Redirect("/area/pratiche/" + ref + "?fatto=replied")
}

// confirmation is /area/pratiche/{ref}/inoltrata: what happens now.
func (m *Module) confirmation(r *web.Request) error {
	v, err := m.Own(r.Ctx(), r.Actor(), r.Param("ref"))
	if err != nil {
		return err
	}
	ctx, c := r.Ctx(), v.Case
	if c.State == AwaitingPayment && !v.Settled {
		return r.Redirect("/area/pratiche/" + c.Ref)
	}
	page := view.ConfirmationPage{Ref: c.Ref, CaseURL: "/area/pratiche/" + c.Ref, Tone: ui.Info}
	if c.Payment == Paid || v.Settled {
		page.Paid = i18n.T(ctx, "cases.confirmation.paid", "amount", c.Fee.String())
	}
	var opts []web.PageOption
	switch {
	case c.State == Completed && len(v.Papers) > 0:
		page.Tone, page.Title = ui.Success, i18n.T(ctx, "cases.confirmation.ready")
		page.Download = paperLink(ctx, v.Papers[0], paperURL)
		page.Next = []string{i18n.T(ctx, "cases.confirmation.next-ready"), i18n.T(ctx, "cases.confirmation.next-verify")}
	case c.State == Issuing, v.Settled && c.Ruling == Granted:
		page.Title = i18n.T(ctx, "cases.confirmation.preparing")
		page.Next = []string{i18n.T(ctx, "cases.confirmation.next-preparing")}
		page.Waiting, opts = true, append(opts, web.Refresh(1))
	case c.State == AwaitingConfirmation:
		page.Title = i18n.T(ctx, "cases.confirmation.asked")
		for _, w := range v.Waited {
			page.Next = append(page.Next, i18n.T(ctx, "cases.confirmation.next-asked", "name", w.Name, "until", i18n.LongDate(ctx, w.Until)))
		}
		page.Next = append(page.Next, i18n.T(ctx, "cases.confirmation.next-confirmed"))
	case c.State == Queued && v.Place != nil:
		page.Title = i18n.T(ctx, "cases.confirmation.queued")
		page.Next = []string{v.Place.Label + ": " + v.Place.fact(ctx) + ".", i18n.T(ctx, "cases.confirmation.next-queued")}
	default:
		page.Title = i18n.T(ctx, "cases.confirmation.received")
		if v.Settled {
			page.Waiting, opts = true, append(opts, web.Refresh(1))
		}
		if c.Note == noteRegisterDown {
			page.Next = append(page.Next, i18n.T(ctx, "cases.confirmation.next-register"))
		}
		page.Next = append(page.Next, i18n.T(ctx, "cases.confirmation.next-office", "office", r.Site().Office(c.Office).Name))
		if c.DueOn != nil {
			page.Next = append(page.Next, i18n.T(ctx, "cases.confirmation.next-due", "date", i18n.LongDate(ctx, *c.DueOn)))
		}
		page.Next = append(page.Next, i18n.T(ctx, "cases.confirmation.next-mail"))
	}
	return r.Page(200, page.Title, view.Confirmation(page), opts...)
}

// withdrawPage and withdraw: /area/pratiche/{ref}/ritira.
func (m *Module) withdrawPage(r *web.Request) error {
	v, err := m.Own(r.Ctx(), r.Actor(), r.Param("ref"))
	if err != nil {
		return err
	}
	base := "/area/pratiche/" + v.Case.Ref
	if !v.Case.State.May(StepWithdraw) {
		return r.Redirect(base)
	}
	title := i18n.T(r.Ctx(), "cases.withdraw.title")
	return r.Page(200, title, view.Withdraw(view.WithdrawPage{Ref: v.Case.Ref, Title: title, Text: []string{i18n.T(r.Ctx(), "cases.withdraw.text")},
		Action: base + "/ritira", BackURL: base, Submit: i18n.T(r.Ctx(), "cases.withdraw.submit")}))
}

func (m *Module) withdraw(r *web.Request) error {
	ref := r.Param("ref")
	if err := m.Withdraw(r.Ctx(), r.Actor(), ref); err != nil && !errors.Is(err, ErrState) {
		return err
	}
	return r.Redirect("/area/pratiche/" + ref + "?fatto=withdrawn")
}
