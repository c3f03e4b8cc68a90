package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// PageOption refines the frame around one page.
type PageOption func(*ui.Shell)

// Refresh makes the page ask again after some seconds, without JavaScript.
func Refresh(seconds int) PageOption { return func(s *ui.Shell) { s.Refresh = seconds } }

// OwnSearch hides the header's search field where the page has its own.
func OwnSearch() PageOption { return func(s *ui.Shell) { s.Search = false } }

// Searched shows what was searched for in the header.
func Searched(q string) PageOption { return func(s *ui.Shell) { s.Query = q } }

// Here marks the menu entry of the page.
func Here(url string) PageOption {
	return func(s *ui.Shell) {
		for i := range s.Nav {
			s.Nav[i].Current = s.Nav[i].URL == url
		}
	}
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Page answers with a page of this area.
func (r *Request) Page(status int, title string, body templ.Component, opts ...PageOption) error {
	shell := r.shell()
	shell.Invalid = status == http.StatusUnprocessableEntity
	for _, o := range opts {
		o(&shell)
	}
	return r.render(status, shell, title, body)
}

func (r *Request) render(status int, shell ui.Shell, title string, body templ.Component) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer func() { buf.Reset(); buffers.Put(buf) }()
	ctx := templ.WithChildren(r.Ctx(), body)
	if err := ui.Layout(shell, title).Render(ctx, buf); err != nil {
		return err
	}
	if err := r.witness(status); err != nil {
		return err
	}
	if status == http.StatusOK {
		r.keep(buf.Bytes())
	}
	r.write(status, buf.Bytes())
	return nil
}

// Fragment answers with a piece of a page, for a script to put into one.
func (r *Request) Fragment(body templ.Component) error { return r.bare(body) }

// Framed answers with a whole page that has no frame of ours around it, for
// another site to show inside its own (route option Embeddable).
func (r *Request) Framed(title string, body templ.Component) error {
	return r.bare(ui.Embedded(ui.Shell{Lang: r.lang, ThemeURL: r.site.ThemePath}, title, body))
}

func (r *Request) bare(body templ.Component) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer func() { buf.Reset(); buffers.Put(buf) }()
	if err := body.Render(r.Ctx(), buf); err != nil {
		return err
	}
	if err := r.witness(http.StatusOK); err != nil {
		return err
	}
	h := r.c.Writer.Header()
	if h.Get("Cache-Control") == "" {
		h["Cache-Control"] = privateCache
	}
	r.c.Data(http.StatusOK, htmlType[0], buf.Bytes())
	return nil
}

func (r *Request) shell() ui.Shell {
	ctx := r.Ctx()
	s := ui.Shell{Lang: r.lang, Langs: r.languages(), Path: r.Path(), Variant: r.route.Area.variant(),
		Demo: r.srv.Demo, CSPNonce: r.nonce, Version: r.srv.Version,
		Canonical: r.canonical(), CommuneName: r.site.Brand.Name, MarkURL: r.site.MarkPath, ThemeURL: r.site.ThemePath}
	s.Announcements, _ = r.announcements()
	if !r.actor.Anonymous() {
		s.SignedIn, s.UserName = true, r.actor.Name()
	}
	if r.actor.IsGuest() {
		s.AccountURL = "/"
	}
	if r.srv.Banners != nil {
		s.Banners = r.srv.Banners(r)
	}
	s.Links = []ui.Link{
		{Text: i18n.T(ctx, "ui.link.accessibility"), URL: "/accessibilita"},
		{Text: i18n.T(ctx, "ui.link.verify"), URL: "/verifica"},
		{Text: i18n.T(ctx, "ui.link.status"), URL: "/stato"},
	}
	switch r.route.Area {
	case AreaOperator:
		s.HomeURL, s.AccountURL, s.Langs, s.Links = "/", "/", nil, nil
		if s.SignedIn {
			s.Nav = []ui.Link{{Text: i18n.T(ctx, "ui.nav.communes"), URL: "/"}}
		}
	case AreaRoot:
		s.Links = nil
	case AreaDesk:
		s.HomeURL, s.Search, s.SearchURL, s.AccountURL = "/ufficio", true, "/ufficio", or(s.AccountURL, "/area")
		s.Nav = r.staffNav()
	case AreaConsole:
		s.HomeURL, s.AccountURL = "/console", or(s.AccountURL, "/area")
		s.Nav = r.staffNav()
	default:
		if r.site.Brand.Line != "" {
			s.Subtitle = r.site.Brand.Line
		}
		s.Search = true
		s.Nav = append([]ui.Link{{Text: i18n.T(ctx, "ui.nav.services"), URL: "/servizi"}}, r.staffNav()...)
		for _, key := range r.site.FooterOffices {
			o := r.site.Office(key)
			s.Offices = append(s.Offices, ui.Office{Name: o.Name, Lines: nonEmpty(o.Address, o.Hours), Phone: o.Phone})
		}
	}
	return s
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// announcements are those of this page: the desk's and the console's people
// read all of them, the others those on maintenance.
func (r *Request) announcements() ([]ui.Announcement, int64) {
	if r.srv.Announcements == nil || !r.tenant.Valid() {
		return nil, 0
	}
	return r.srv.Announcements(r.Ctx(), r.tenant, r.lang, r.route.Area != AreaDesk && r.route.Area != AreaConsole)
}

func (r *Request) staffNav() []ui.Link {
	var nav []ui.Link
	if r.May("cases.desk") {
		nav = append(nav, ui.Link{Text: i18n.T(r.Ctx(), "ui.nav.desk"), URL: "/ufficio"})
	}
	if r.May("console.open") {
		nav = append(nav, ui.Link{Text: i18n.T(r.Ctx(), "ui.nav.console"), URL: "/console"})
	}
	return nav
}

func nonEmpty(list ...string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// fail is the one place where an error becomes an answer.
func (r *Request) fail(err error) {
	p := problem.From(err)
	switch {
	case p.Code == "web.origin":
		r.srv.Log.Warn("request from a foreign page", "request", r.id, "commune", r.tenant.String(), "error", err.Error())
	case p.Status() >= 500:
		if r.srv.Failed != nil {
			r.srv.Failed(r.tenant)
		}
		r.srv.Log.Error("request failed", "request", r.id, "commune", r.tenant.String(), "code", p.Code, "error", err.Error())
	}
	if r.c.Writer.Written() {
		return
	}
	if p.RetryAfter > 0 {
		r.c.Header("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds()+0.999)))
	} else if p.Status() == http.StatusServiceUnavailable {
		r.c.Header("Retry-After", "5")
	}
	if r.route.Area == AreaAPI || r.route.Area == AreaHooks || strings.HasPrefix(r.c.Request.URL.Path, "/api/") {
		r.problemJSON(p)
		return
	}
	if r.site == nil {
		plain(r.c.Writer, p.Status(), http.StatusText(p.Status())+"\n")
		return
	}
	shell := r.shell()
	if p.Status() == http.StatusNotFound {
		shell.Search = false
	}
	f := ui.Failure{Kind: strconv.Itoa(pageKind(p.Status())), Bare: shell.Variant != ui.Portal}
	if text := r.words(p); text != "" {
		f.Text = text
	}
	if p.Status() >= 500 {
		f.RequestID = r.id
	}
	title := i18n.T(r.Ctx(), "errors."+f.Kind+".title")
	if err := r.render(p.Status(), shell, title, ui.ErrorPage(f)); err != nil {
		r.srv.Log.Error("render error page", "request", r.id, "error", err.Error())
	}
}

// pageKind maps a status to one that has a page of its own.
func pageKind(status int) int {
	switch status {
	case 401, 403, 404, 409, 413, 429, 500, 503:
		return status
	case 422:
		return 409
	}
	return 500
}

// words is the sentence of a problem, "" for what only the log may know.
func (r *Request) words(p *problem.Error) string {
	if p.Kind == problem.KindInternal || !i18n.Has(r.Ctx(), p.Key) {
		return ""
	}
	kv := make([]any, 0, 2*len(p.Params))
	for k, v := range p.Params {
		kv = append(kv, k, v)
	}
	return i18n.T(r.Ctx(), p.Key, kv...)
}

func (r *Request) problemJSON(p *problem.Error) {
	doc := problem.Document{Type: "about:blank", Title: http.StatusText(p.Status()), Status: p.Status(),
		Detail: r.words(p), Instance: "urn:request:" + r.id, Code: p.Code}
	for field, key := range p.Fields {
		doc.Fields = append(doc.Fields, problem.FieldProblem{Field: field, Detail: i18n.T(r.Ctx(), key)})
	}
	body, err := json.Marshal(doc)
	if err != nil {
		r.srv.Log.Error("render problem", "request", r.id, "error", err.Error())
	}
	r.c.Data(p.Status(), problem.ContentType, body)
}

// suspended answers for a commune whose desk is closed for now.
func (r *Request) suspended(reason string) error {
	r.done = true
	shell := r.shell()
	shell.Variant, shell.Search, shell.Nav = ui.Bare, false, nil
	r.c.Header("Retry-After", "600")
	page := ui.Closed{CommuneName: r.tenant.Name(), Reason: reason, Phone: r.site.TownHall["phone"]}
	return errors.Join(r.render(http.StatusServiceUnavailable, shell,
		i18n.T(r.Ctx(), "suspended.title", "commune", r.tenant.Name()), ui.SuspendedPage(page)))
}
