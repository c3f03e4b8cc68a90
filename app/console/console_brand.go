package console

import (
	"context"
	"fmt"
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
	page.Notice = done(r)
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
	ctx, ok := r.Ctx(), true
	page := view.BrandPage{Side: side(r, "/console/colori"), CommuneName: b.Name, MarkURL: r.Site().MarkPath,
		First: b.First, FirstSwatch: swatch(b.First), Second: b.Second, SecondSwatch: swatch(b.Second), Subtitle: b.Line}
	if n := utf8.RuneCountInString(b.Line); n == 0 || n > maxSubtitle {
		page.SubtitleError, ok = i18n.T(ctx, "console.brand.subtitle-error"), false
	}
	for value, wrong := range map[*string]*string{&b.First: &page.FirstError, &b.Second: &page.SecondError} {
		if _, err := theme.ParseColour(*value); err != nil {
			*wrong, ok = i18n.T(ctx, "brand.not_a_colour"), false
		}
	}
	findings, err := theme.Check(b.First, b.Second)
	if err != nil {
		return page, false
	}
	page.PreviewURL = "/console/colori/anteprima.css?" + url.Values{"first": {b.First}, "second": {b.Second}}.Encode()
	page.PreviewTitle = i18n.T(ctx, "brand.preview", "colour", b.First)
	for _, f := range findings {
		page.Pairs = append(page.Pairs, view.Pair{Label: i18n.T(ctx, "brand.pairs."+string(f.Pair)), OK: f.OK(),
			Required: i18n.T(ctx, "brand.at_least", "required", ratio(f.Required)), Ratio: i18n.T(ctx, "brand.ratio", "ratio", ratio(f.Ratio)),
			Foreground: f.Foreground.String(), Background: f.Background.String()})
	}
	refused := theme.Refused(findings)
	page.Verdict = i18n.T(ctx, "brand.verdict_yes")
	if len(refused) > 0 {
		ok = false
		page.Verdict = i18n.N(ctx, "brand.verdict_no", len(refused), "total", len(findings))
		m.refuse(ctx, &page, b, refused[0])
	}
	return page, ok
}

// refuse tells why the first refused pair fails and offers the nearest colour
// that passes.
func (m *Module) refuse(ctx context.Context, page *view.BrandPage, b site.Brand, f theme.Finding) {
	key := "brand.too_light"
	if f.Pair == theme.MarkShape {
		key = "brand.too_light_mark"
	}
	text := i18n.T(ctx, key, "ratio", ratio(f.Ratio), "required", ratio(f.Required))
	if f.Choice == theme.SecondColour {
		page.SecondError = text
	} else {
		page.FirstError = text
	}
	if f.Nearest == nil {
		return
	}
	near := strings.ToUpper(f.Nearest.String())
	offer := view.Offer{Title: i18n.T(ctx, "brand.offer", "colour", near), Text: i18n.T(ctx, "brand.offer_text", "ratio", ratio(f.NearestRatio)),
		First: b.First, Second: b.Second, Submit: i18n.T(ctx, "brand.use", "colour", near)}
	if f.Choice == theme.SecondColour {
		offer.Second = near
	} else {
		offer.First = near
	}
	page.Offer = &offer
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

func ratio(f float64) string { return fmt.Sprintf("%.1f", f) }

// swatch is a colour that a colour field accepts.
func swatch(s string) string {
	if c, err := theme.ParseColour(s); err == nil {
		return c.String()
	}
	return "#000000"
}
