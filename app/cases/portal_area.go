package cases

import (
	"github.com/sportello-ticino/sportello/app/cases/view"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// area is /area: what waits for the person, what is going on, what is ready,
// read in one round trip. Only where a fee is due the payments are asked too.
func (m *Module) area(r *web.Request) error {
	ctx, by := r.Ctx(), r.Actor()
	var own []Case
	var drafts []forms.Begun
	var papers []Paper
	var reads tenancy.Reads
	readOwn(&reads, by.AccountID(), 50, &own)
	m.Uploads.ReadDrafts(&reads, by.AccountID(), &drafts)
	m.Documents.ReadOfAccount(&reads, by.AccountID(), 5, &papers)
	if err := m.DB.ReadTogether(ctx, by.Tenant(), &reads); err != nil {
		return err
	}
	settled, err := m.settledOf(ctx, by, own)
	if err != nil {
		return err
	}
	page := view.AreaPage{Name: by.Name(), CaseCount: len(own), Count: len(papers), Documents: paperRows(ctx, papers, paperURL)}
	for _, c := range own {
		link := "/area/pratiche/" + c.Ref
		switch {
		case settled[c.ID]:
		case c.Payment == PaymentDue && c.State != Withdrawn:
			page.Tasks = append(page.Tasks, ui.Task{Title: i18n.T(ctx, "cases.task.pay", "amount", c.Fee.String()), Text: c.ServiceTitle.For(ctx),
				Action: ui.Link{Text: i18n.T(ctx, "cases.task.pay-action"), URL: link}})
		case c.State == AwaitingApplicant:
			page.Tasks = append(page.Tasks, ui.Task{Title: i18n.T(ctx, "cases.task.reply"), Text: c.ServiceTitle.For(ctx),
				Action: ui.Link{Text: i18n.T(ctx, "cases.task.reply-action"), URL: link}})
		}
		if c.State.Open() && len(page.Open) < 10 {
			page.Open = append(page.Open, m.caseRowFor(r, c))
		}
	}
	page.Drafts = m.draftRows(r, drafts)
	return r.Page(200, i18n.T(ctx, "ui.account"), view.Area(page))
}

func (m *Module) caseRowFor(r *web.Request, c Case) ui.Row {
	st := status(r.Ctx(), c, citizenSide, m.today())
	return ui.Row{Title: c.ServiceTitle.For(r.Ctx()), URL: "/area/pratiche/" + c.Ref, State: &st, Ref: c.Ref,
		Note: i18n.T(r.Ctx(), "cases.fact.submitted") + " " + i18n.Date(c.SubmittedAt)}
}

func (m *Module) draftRows(r *web.Request, drafts []forms.Begun) []ui.Row {
	var rows []ui.Row
	for _, d := range drafts {
		title := d.ServiceID
		if svc, err := m.Catalogue.Service(r.Ctx(), r.Tenant(), d.ServiceID); err == nil {
			title = svc.Title.For(r.Ctx())
		}
		rows = append(rows, ui.Row{Title: title, URL: "/area/bozze/" + d.ID.String(),
			Note: i18n.T(r.Ctx(), "cases.draft-until", "date", i18n.LongDate(r.Ctx(), d.ExpiresAt))})
	}
	return rows
}

// list is /area/pratiche: all cases, newest first.
func (m *Module) list(r *web.Request) error {
	own, err := m.OwnList(r.Ctx(), r.Actor())
	if err != nil {
		return err
	}
	page := view.CasesPage{}
	for _, c := range own {
		page.Rows = append(page.Rows, m.caseRowFor(r, c))
	}
	return r.Page(200, i18n.T(r.Ctx(), "cases.title"), view.Cases(page))
}
