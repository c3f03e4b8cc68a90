package console

import (
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// mailSection shows what the service says by mail, as the pending definition has
// it: sentences of its own, mails to the office, the reminder.
func mailSection(r *web.Request, w catalogue.Workbench) ui.Section {
	ctx, says := r.Ctx(), shownNow(w).Notifications
	out := ui.Section{ID: "messaggi", Title: i18n.T(ctx, "console.edit.mails.title"), Note: i18n.T(ctx, "console.edit.mails.note")}
	for moment, text := range says.Mail.All() {
		if text.Empty() {
			continue
		}
		out.Facts = append(out.Facts, ui.Fact{Term: i18n.T(ctx, "console.edit.label.mail_"+string(moment)), Value: text.For(ctx)})
	}
	if says.Reminder != nil {
		out.Facts = append(out.Facts, ui.Fact{Term: i18n.T(ctx, "console.edit.mails.reminder"), Value: i18n.N(ctx, "console.edit.mails.days", says.Reminder.Days)})
	}
	office := ui.Fact{Term: i18n.T(ctx, "console.edit.mails.office"), Value: i18n.T(ctx, "console.edit.mails.office-none")}
	switch {
	case says.Office.Received && says.Office.Paid:
		office.Value = i18n.T(ctx, "console.edit.mails.office-both")
	case says.Office.Received:
		office.Value = i18n.T(ctx, "console.edit.mails.office-received")
	case says.Office.Paid:
		office.Value = i18n.T(ctx, "console.edit.mails.office-paid")
	}
	if says.Office != (catalogue.OfficeMail{}) {
		if office.Note = r.Site().Office(w.Office).Email; office.Note == "" {
			office.Note = i18n.T(ctx, "console.edit.mails.no-address")
		}
	}
	out.Facts = append(out.Facts, office)
	return out
}
