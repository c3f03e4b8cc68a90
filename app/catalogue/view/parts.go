package view

import (
	"context"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

func crumbs(p ServicePage, all string) []ui.Link {
	links := []ui.Link{{Text: all, URL: "/servizi"}}
	if p.ThemeTitle != "" {
		links = append(links, ui.Link{Text: p.ThemeTitle, URL: p.ThemeURL})
	}
	return append(links, ui.Link{Text: p.Title})
}

// Brief are the facts of the card's panel: price, time promised and real, effort.
func Brief(ctx context.Context, p ServicePage) []ui.Fact {
	note := p.PriceNote
	if p.DemoFee {
		if note != "" {
			note += ", "
		}
		note += i18n.T(ctx, "service.demo_fee_short")
	}
	facts := []ui.Fact{
		{Term: i18n.T(ctx, "service.online"), Value: p.Price, Note: note, Price: true},
		{Term: i18n.T(ctx, "service.when"), Value: p.When},
	}
	if p.Usual != "" {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "find.usual.label"), Value: p.Usual})
	}
	if p.Effort != "" {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "service.effort"), Value: p.Effort})
	}
	return facts
}
