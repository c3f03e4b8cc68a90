package console

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/theme"
)

// maxSubtitle is how many characters fit under the name.
const maxSubtitle = 40

// brandPage shows the colours in force, or those asked for by ?first=&second=.
func (m *Module) brandPage(r *web.Request) error {
	b := r.Site().Brand
	if r.Query(view.FirstName) != "" {
		b.First, b.Second, b.Line = r.Query(view.FirstName), r.Query(view.SecondName), r.Query(view.SubtitleName)
	}
	page, _ := m.brandView(r, b)
	page.Notice = r.Done("console.done")
	return r.Page(200, i18n.T(r.Ctx(), "brand.title"), view.Brand(page), web.Here("/console"))
}

// brandPost previews or publishes. Nothing that cannot be read is published.
func (m *Module) brandPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	b := r.Site().Brand
	b.First, b.Second, b.Line = strings.TrimSpace(f.Get(view.FirstName)), strings.TrimSpace(f.Get(view.SecondName)), strings.TrimSpace(f.Get(view.SubtitleName))
	page, ok := m.brandView(r, b)
	switch {
	case f.Get(view.ActionName) == view.ActionPreview:
		return r.Page(200, i18n.T(r.Ctx(), "brand.title"), view.Brand(page), web.Here("/console"))
	case !ok:
		return r.Page(422, i18n.T(r.Ctx(), "brand.title"), view.Brand(page), web.Here("/console"))
	}
	by := r.Actor()
	if err := m.DB.In(r.Ctx(), by.Tenant(), func(tx *tenancy.Tx) error {
		before, err := site.ReadBrand(tx)
		if err != nil {
			return err
		}
		if err := site.SaveBrand(tx, b); err != nil {
			return err
		}
		return audit.Record(tx, by, "console.brand", "brand", map[string]any{
			"first": before.First + " → " + b.First, "second": before.Second + " → " + b.Second, "line": before.Line + " → " + b.Line})
	}); err != nil {
		return err
	}
	return r.Redirect("/console/colori?fatto=brand")
}

// brandView judges a choice; ok is false when it may not be published.
func (m *Module) brandView(r *web.Request, b site.Brand) (view.BrandPage, bool) {
	page := view.BrandPage{Side: Side(r, "/console/colori"), CommuneName: b.Name, MarkURL: r.Site().MarkPath,
		First: b.First, Second: b.Second, Subtitle: b.Line}
	ok, first, second := page.Judge(r.Ctx())
	if len(page.Pairs) > 0 {
		page.PreviewURL = "/console/colori/anteprima.css?" + url.Values{"first": {first.String()}, "second": {second.String()}}.Encode()
	}
	if n := utf8.RuneCountInString(b.Line); n == 0 || n > maxSubtitle {
		page.SubtitleError, ok = i18n.T(r.Ctx(), "console.brand.subtitle-error"), false
	}
	return page, ok
}

// brandPreview is the stylesheet of the preview, made for two colours.
func (m *Module) brandPreview(r *web.Request) error {
	t, err := theme.Generate(r.Query("first"), r.Query("second"))
	if err != nil {
		return web.NotFound()
	}
	r.SetHeader("Cache-Control", "private, max-age=600")
	return r.Raw("text/css; charset=utf-8", []byte(t.PreviewCSS("sp-preview")))
}
