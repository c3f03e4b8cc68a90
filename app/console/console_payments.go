package console

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// accountPage is the commune's own contract with the payment provider. The key
// is never shown again.
func (m *Module) accountPage(r *web.Request) error {
	account, err := m.Payments.ReadAccount(r.Ctx(), r.Actor())
	if err != nil {
		return err
	}
	page := m.accountForm(r, account, map[string]string{
		"space_id": number(account.SpaceID), "user_id": number(account.UserID), "iban": r.Site().Payment.IBAN}, nil)
	page.Notice = r.Done("console.done")
	return r.Page(200, page.Title, view.PaymentAccount(page), web.Here("/console"))
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func (m *Module) accountForm(r *web.Request, account payments.AccountView, typed, wrong map[string]string) view.FormPage {
	ctx := r.Ctx()
	st := ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "console.account.missing")}
	if account.HasSecret {
		st = ui.State{Tone: ui.Success, Text: i18n.T(ctx, "console.account.there")}
	}
	field := func(kind ui.Kind, name string, required bool) ui.Input {
		in := ui.Input{Kind: kind, Name: name, Label: i18n.T(ctx, "console.account."+name), Help: i18n.T(ctx, "console.account."+name+"-help"),
			Value: typed[name], Required: required, Error: wrong[name], Autocomplete: "off"}
		return in
	}
	return view.FormPage{Side: Side(r, "/console/pagamenti"), Title: i18n.T(ctx, "console.account.title"), Intro: i18n.T(ctx, "console.account.intro"), State: &st,
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "console.overview"), URL: "/console"}, {Text: i18n.T(ctx, "console.account.title")}},
		Groups: []view.Group{
			{Title: i18n.T(ctx, "console.account.provider"), Fields: []ui.Input{field(ui.Text, "space_id", true), field(ui.Text, "user_id", true), field(ui.Password, "secret", !account.HasSecret)}},
			{Title: i18n.T(ctx, "console.account.bank"), Fields: []ui.Input{field(ui.Text, "iban", false)}},
		}, Action: "/console/pagamenti", BackURL: "/console"}
}

func (m *Module) saveAccount(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, by := r.Ctx(), r.Actor()
	typed := map[string]string{}
	for _, k := range []string{"space_id", "user_id", "iban"} {
		typed[k] = strings.TrimSpace(f.Get(k))
	}
	in := payments.AccountInput{Secret: f.Get("secret")}
	in.SpaceID, _ = strconv.ParseInt(typed["space_id"], 10, 64) // 0 is refused below
	in.UserID, _ = strconv.ParseInt(typed["user_id"], 10, 64)
	place := r.Site().Payment
	place.SpaceID, place.UserID, place.IBAN = in.SpaceID, in.UserID, typed["iban"]
	wrong := map[string]string{}
	if place.IBAN != "" {
		iban, err := swiss.ParseIBAN(place.IBAN)
		if err != nil {
			wrong["iban"] = i18n.T(ctx, "console.account.iban-error")
		}
		place.IBAN = iban.String()
	}
	if len(wrong) == 0 {
		err = m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
			if err := m.Payments.SetAccountTx(tx, by, in); err != nil {
				return err
			}
			if before := r.Site().Payment.IBAN; before != place.IBAN {
				if err := audit.Record(tx, by, "console.iban", "payment-account:iban", map[string]any{"iban": before + " → " + place.IBAN}); err != nil {
					return err
				}
			}
			return site.SavePayment(tx, place)
		})
		var p *problem.Error
		switch {
		case err == nil:
			return r.Redirect("/console/pagamenti?fatto=account")
		case errors.As(err, &p) && p.Kind == problem.KindInvalid:
			for name, key := range p.Fields {
				wrong[name] = i18n.T(ctx, key)
			}
		default:
			return err
		}
	}
	account, err := m.Payments.ReadAccount(ctx, by)
	if err != nil {
		return err
	}
	page := m.accountForm(r, account, typed, wrong)
	return r.Page(422, page.Title, view.PaymentAccount(page), web.Here("/console"))
}
