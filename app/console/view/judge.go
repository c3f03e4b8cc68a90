package view

import (
	"context"
	"fmt"
	"strings"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/theme"
)

// Judge fills in what theme.Check says of the two colours as typed: the pairs,
// the verdict, the errors beside the fields and the nearest passing choice. It
// returns whether the colours may be published and which two colours a preview
// should show: the chosen ones, or those offered instead. Where a colour
// cannot be read both are the zero colour and there is nothing to preview.
func (p *BrandPage) Judge(ctx context.Context) (ok bool, first, second theme.Colour) {
	p.FirstSwatch, p.SecondSwatch = swatch(p.First), swatch(p.Second)
	if p.FirstSwatch == unreadable || p.SecondSwatch == unreadable {
		if p.FirstSwatch == unreadable {
			p.FirstError = i18n.T(ctx, "brand.not_a_colour")
		}
		if p.SecondSwatch == unreadable {
			p.SecondError = i18n.T(ctx, "brand.not_a_colour")
		}
		return false, first, second
	}
	found, _ := theme.Check(p.First, p.Second) // both were read above
	for _, f := range found {
		p.Pairs = append(p.Pairs, Pair{
			Label:      i18n.T(ctx, "brand.pairs."+string(f.Pair)),
			Required:   i18n.T(ctx, "brand.at_least", "required", ratio(f.Required)),
			Ratio:      i18n.T(ctx, "brand.ratio", "ratio", ratio(f.Ratio)),
			OK:         f.OK(),
			Foreground: f.Foreground.String(),
			Background: f.Background.String(),
		})
	}
	first, second, _ = theme.Nearest(p.First, p.Second)
	refused := theme.Refused(found)
	if len(refused) == 0 {
		p.Verdict = i18n.T(ctx, "brand.verdict_yes")
		p.PreviewTitle = i18n.T(ctx, "brand.preview", "colour", upper(first))
		return true, first, second
	}
	p.Verdict = i18n.N(ctx, "brand.verdict_no", len(refused), "total", len(found))
	for _, f := range refused {
		key := "brand.too_light"
		if f.Pair == theme.MarkShape {
			key = "brand.too_light_mark"
		}
		text := i18n.T(ctx, key, "ratio", ratio(f.Ratio), "required", ratio(f.Required))
		if f.Choice == theme.FirstColour && p.FirstError == "" {
			p.FirstError = text
		}
		if f.Choice == theme.SecondColour && p.SecondError == "" {
			p.SecondError = text
		}
	}
	name := upper(first)
	switch {
	case p.FirstError != "" && p.SecondError != "":
		name = upper(first) + ", " + upper(second)
	case p.SecondError != "":
		name = upper(second)
	}
	p.PreviewTitle = i18n.T(ctx, "brand.preview", "colour", name)
	p.Offer = &Offer{
		Title:  i18n.T(ctx, "brand.offer", "colour", name),
		Text:   i18n.T(ctx, "brand.offer_text", "ratio", ratio(refused[0].NearestRatio)),
		First:  upper(first),
		Second: upper(second),
		Submit: i18n.T(ctx, "brand.use", "colour", name),
	}
	return false, first, second
}

// unreadable is what a swatch shows for a text that is no colour.
const unreadable = ""

func swatch(typed string) string {
	c, err := theme.ParseColour(typed)
	if err != nil {
		return unreadable
	}
	return c.String()
}

// ratio cuts after one digit: 4.49 must not be told as 4.5.
func ratio(r float64) string {
	return fmt.Sprintf("%.1f", float64(int(r*10))/10)
}

func upper(c theme.Colour) string { return strings.ToUpper(c.String()) }
