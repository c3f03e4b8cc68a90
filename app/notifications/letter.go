package notifications

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

//go:embed letter.html
var letterHTML string

// Mail programs want one page with styles beside each element, which is another
// craft than our pages: hence html/template here and templ there.
var letterPage = template.Must(template.New("letter").Parse(letterHTML))

// letter is a mail before its words.
type letter struct {
	Lang, Kind      string
	Params          map[string]string
	Own             i18n.Text
	Sender, Address string // the commune's name and the town hall's address, for the foot
	Colour          string // the commune's first colour, "#rrggbb"
}

type words struct{ subject, text, html, lang string }

// write puts the letter into words; ctx carries the language and the texts.
func (l letter) write(ctx context.Context) (words, error) {
	kv := make([]any, 0, 2*len(l.Params)+2)
	for name, value := range l.Params {
		kv = append(kv, name, value)
	}
	kv = append(kv, "sender", l.Sender)
	base := "mail." + strings.ReplaceAll(l.Kind, "-", "_")
	for _, key := range []string{base + ".subject", base + ".text", base + ".button", "mail.greeting", "mail.closing", "mail.foot"} {
		if !i18n.Has(ctx, key) {
			return words{}, fmt.Errorf("notifications: text %s is missing", key)
		}
	}
	w := words{
		// A value may hold a line break; a subject must not.
		subject: strings.Join(strings.Fields(i18n.T(ctx, base+".subject", kv...)), " "),
		lang:    l.Lang,
	}
	if !i18n.Translated(ctx, base+".text") {
		w.lang = "it"
	}
	paragraphs := []string{i18n.T(ctx, "mail.greeting", kv...)}
	for p := range strings.SplitSeq(i18n.T(ctx, base+".text", kv...), "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			paragraphs = append(paragraphs, p)
		}
	}
	own, ownLang := l.own(w.lang)
	if own != "" {
		paragraphs = append(paragraphs, own)
	}
	button, link := i18n.T(ctx, base+".button", kv...), l.Params["link"]
	closing, foot := i18n.T(ctx, "mail.closing", kv...), i18n.T(ctx, "mail.foot", kv...)
	w.text = strings.Join(append(paragraphs, button+":\n"+link, closing+"\n"+l.Sender, "-- \n"+strings.TrimSpace(foot+"\n"+l.Address)), "\n\n") + "\n"

	var page strings.Builder
	err := letterPage.Execute(&page, map[string]any{
		"Lang": w.lang, "Subject": w.subject, "Paragraphs": shown(paragraphs, own, ownLang), "Button": button, "Link": link,
		"Closing": closing, "Sender": l.Sender, "Foot": foot, "Address": l.Address, "Colour": l.Colour,
	})
	w.html = page.String()
	return w, err
}

// paragraph is one of the mail's page; Lang is "" where it is the mail's own.
type paragraph struct{ Text, Lang string }

func shown(paragraphs []string, own, ownLang string) []paragraph {
	out := make([]paragraph, len(paragraphs))
	for i, text := range paragraphs {
		out[i].Text = text
	}
	if own != "" {
		out[len(out)-1].Lang = ownLang
	}
	return out
}

// own is the sentence of whoever causes the mail, and its language where that is
// not the mail's.
func (l letter) own(lang string) (text, other string) {
	text = strings.Join(strings.Fields(l.Own[l.Lang]), " ")
	switch {
	case text != "" && l.Lang == lang:
		return text, ""
	case text != "":
		return text, l.Lang
	}
	if text = strings.Join(strings.Fields(l.Own[i18n.Reference]), " "); lang != i18n.Reference {
		other = i18n.Reference
	}
	return text, other
}
