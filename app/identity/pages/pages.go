// Package pages holds the pages on which people register, sign in and sign
// out, on a commune's desk and at the shared entity. It stands beside identity
// because pages need app/web, and app/web needs to know who asks.
package pages

import (
	"errors"
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/identity/view"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Pages serves sign-in.
type Pages struct {
	Identity *identity.Service
	Staff    *identity.Staff
	// MailURL is where the demo shows the mail it caught; "" otherwise.
	MailURL string
}

// Mount adds the routes.
func (p *Pages) Mount(r *web.Router) {
	few := web.AtMost("sign-in", 20, 5*time.Minute)
	r.Portal.GET("/accedi", access.Public, p.signIn)
	r.Portal.POST("/accedi", access.Public, p.signInPost, few)
	r.Portal.GET("/registrati", access.Public, p.register)
	r.Portal.POST("/registrati", access.Public, p.registerPost, web.AtMost("register", 10, 10*time.Minute))
	r.Portal.GET("/conferma/:token", access.Public, p.confirm, few)
	r.Portal.POST("/conferma/:token", access.Public, p.confirmPost, few)
	r.Portal.GET("/invito/:token", access.Public, p.invited, few)
	r.Portal.POST("/invito/:token", access.Public, p.accept, few)
	r.Portal.POST("/esci", access.Public, p.signOut, web.AlsoGuests())

	r.Operator.GET("/accedi", access.Public, p.staffSignIn)
	r.Operator.POST("/accedi", access.Public, p.staffSignInPost, few)
	r.Operator.GET("/codice", access.Public, p.code)
	r.Operator.POST("/codice", access.Public, p.codePost, few)
	r.Operator.POST("/esci", access.Public, p.staffSignOut)
}

func (p *Pages) personasURL(r *web.Request) string {
	if r.Demo() {
		return "/dev/personas"
	}
	return ""
}

func (p *Pages) signIn(r *web.Request) error {
	next := web.SafeNext(r.Query("next"), "/area")
	if !r.Actor().Anonymous() {
		return r.Redirect(next)
	}
	page := view.SignInPage{Next: next, PersonasURL: p.personasURL(r)}
	if r.Query("next") != "" {
		page.Reason = i18n.T(r.Ctx(), "signin.reason")
	}
	return r.Page(200, i18n.T(r.Ctx(), "signin.title"), view.SignIn(page))
}

func (p *Pages) signInPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	next := web.SafeNext(f.Get("next"), "/area")
	token, err := p.Identity.SignIn(r.Ctx(), r.Tenant(), f.Get("email"), f.Get("password"))
	if errors.Is(err, identity.ErrSignIn) {
		page := view.SignInPage{Next: next, Email: f.Get("email"), PersonasURL: p.personasURL(r), FormError: i18n.T(r.Ctx(), identity.ErrSignIn.Key)}
		return r.Page(422, i18n.T(r.Ctx(), "signin.title"), view.SignIn(page))
	}
	if err != nil {
		return err
	}
	r.SetSession(token)
	return r.Redirect(next)
}

func (p *Pages) signOut(r *web.Request) error {
	if token := r.SessionToken(); token != "" {
		if err := p.Identity.SignOut(r.Ctx(), r.Tenant(), token); err != nil {
			return problem.Unavailable("identity.sign-out", "errors.503.text").Wrap(err)
		}
	}
	r.SetSession("")
	return r.Redirect("/")
}

func (p *Pages) register(r *web.Request) error {
	page := view.RegisterPage{Next: web.SafeNext(r.Query("next"), ""), CommuneName: r.Site().OfficialName}
	return r.Page(200, i18n.T(r.Ctx(), "register.title"), view.Register(page))
}

func (p *Pages) registerPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	err = p.Identity.Register(ctx, r.Tenant(), identity.Registration{Name: f.Get("name"), Email: f.Get("email"), Password: f.Get("password"), Lang: r.Lang()})
	var prob *problem.Error
	if errors.As(err, &prob) && prob.Kind == problem.KindInvalid {
		word := func(field string) string {
			if key := prob.Fields[field]; key != "" {
				return i18n.T(ctx, key)
			}
			return ""
		}
		return r.Page(422, i18n.T(ctx, "register.title"), view.Register(view.RegisterPage{Name: f.Get("name"), Email: f.Get("email"),
			NameError: word("name"), EmailError: word("email"), PasswordError: word("password"), CommuneName: r.Site().OfficialName}))
	}
	if err != nil {
		return err
	}
	return r.Page(200, i18n.T(ctx, "checkmail.title"), view.CheckMail(view.CheckMailPage{Email: f.Get("email"), MailURL: p.MailURL}))
}

// confirm is where the mail's link leads: it asks for the password chosen with
// the registration. Opening it confirms nothing.
func (p *Pages) confirm(r *web.Request) error {
	if err := p.Identity.Awaits(r.Ctx(), r.Tenant(), r.Param("token")); err != nil {
		return p.spent(r, err)
	}
	return r.Page(200, i18n.T(r.Ctx(), "confirm.title"), view.Confirm(view.ConfirmPage{}))
}

func (p *Pages) confirmPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	err = p.Identity.Confirm(r.Ctx(), r.Tenant(), r.Param("token"), f.Get("password"))
	if errors.Is(err, identity.ErrPassword) {
		return r.Page(422, i18n.T(r.Ctx(), "confirm.title"), view.Confirm(view.ConfirmPage{Error: i18n.T(r.Ctx(), identity.ErrPassword.Key)}))
	}
	if err != nil {
		return p.spent(r, err)
	}
	return r.Page(200, i18n.T(r.Ctx(), "confirmed.title"), view.Confirmed(view.ConfirmedPage{OK: true}))
}

// spent answers for a link that is used, expired or none of ours.
func (p *Pages) spent(r *web.Request, err error) error {
	if errors.Is(err, identity.ErrNoToken) {
		return r.Page(404, i18n.T(r.Ctx(), "confirmed.spent"), view.Confirmed(view.ConfirmedPage{}))
	}
	return err
}

func (p *Pages) staffSignIn(r *web.Request) error {
	if r.PendingTOTP() {
		return r.Redirect("/codice")
	}
	return r.Page(200, i18n.T(r.Ctx(), "staff.title"), view.StaffSignIn(view.SignInPage{
		Next: web.SafeNext(r.Query("next"), "/"), PersonasURL: p.personasURL(r), NoRegister: true}))
}

func (p *Pages) staffSignInPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	token, err := p.Staff.Password(r.Ctx(), f.Get("email"), f.Get("password"))
	if errors.Is(err, identity.ErrSignIn) {
		return r.Page(422, i18n.T(r.Ctx(), "staff.title"), view.StaffSignIn(view.SignInPage{Email: f.Get("email"),
			FormError: i18n.T(r.Ctx(), identity.ErrSignIn.Key), PersonasURL: p.personasURL(r), NoRegister: true}))
	}
	if err != nil {
		return err
	}
	r.SetSession(token)
	return r.Redirect("/codice")
}

func (p *Pages) code(r *web.Request) error {
	if !r.PendingTOTP() {
		return r.Redirect("/accedi")
	}
	return r.Page(200, i18n.T(r.Ctx(), "totp.title"), view.TOTP(view.TOTPPage{Action: "/codice"}))
}

func (p *Pages) codePost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	token, err := p.Staff.Code(r.Ctx(), r.SessionToken(), f.Get("code"))
	switch {
	case errors.Is(err, identity.ErrSignIn):
		r.SetSession("")
		return r.Redirect("/accedi")
	case errors.Is(err, identity.ErrCode):
		return r.Page(422, i18n.T(r.Ctx(), "totp.title"), view.TOTP(view.TOTPPage{Action: "/codice", Error: i18n.T(r.Ctx(), identity.ErrCode.Key)}))
	case err != nil:
		return err
	}
	r.SetSession(token)
	return r.Redirect("/")
}

func (p *Pages) staffSignOut(r *web.Request) error {
	if token := r.SessionToken(); token != "" {
		if err := p.Staff.SignOut(r.Ctx(), token); err != nil {
			return problem.Unavailable("identity.sign-out", "errors.503.text").Wrap(err)
		}
	}
	r.SetSession("")
	return r.Redirect("/accedi")
}

// invited is where an invitation's link leads: it asks for a password. Opening it
// accepts nothing.
func (p *Pages) invited(r *web.Request) error { return p.invitedPage(r, 200, "") }

func (p *Pages) invitedPage(r *web.Request, code int, wrong string) error {
	name, first, err := p.Identity.Invited(r.Ctx(), r.Tenant(), r.Param("token"))
	if err != nil {
		return p.spent(r, err)
	}
	title := i18n.T(r.Ctx(), "invite.title", "name", name)
	return r.Page(code, title, view.Invited(view.InvitedPage{Title: title, First: first, Error: wrong}))
}

func (p *Pages) accept(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	_, first, _ := p.Identity.Invited(r.Ctx(), r.Tenant(), r.Param("token")) // Accept says what is wrong with it
	err = p.Identity.Accept(r.Ctx(), r.Tenant(), r.Param("token"), f.Get("password"))
	var wrong *problem.Error
	if errors.As(err, &wrong) && wrong.Fields["password"] != "" {
		return p.invitedPage(r, 422, i18n.T(r.Ctx(), wrong.Fields["password"]))
	}
	if err != nil {
		return p.spent(r, err)
	}
	done, next := i18n.T(r.Ctx(), "invite.done"), "/accedi?next=/console"
	if !first {
		done, next = i18n.T(r.Ctx(), "invite.done_official"), "/accedi?next=/ufficio"
	}
	return r.Page(200, done, view.Confirmed(view.ConfirmedPage{OK: true, Title: done, NextURL: next}))
}
