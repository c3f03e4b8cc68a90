package ui

import (
	"context"
	"net/url"
	"strings"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Variant is the kind of site a page belongs to.
type Variant string

// The variants. Desk, console and operator are denser and have no band of
// offices in the footer; bare is the portal without menu and search.
const (
	Portal   Variant = "portal"
	Desk     Variant = "desk"
	Console  Variant = "console"
	Operator Variant = "operator"
	Bare     Variant = "bare"
)

// Language is one language of the interface, in its own name.
type Language struct{ Code, Name string }

// Office is one block of the footer: where people are received, and when.
type Office struct {
	Name  string
	Lines []string // address, hours
	Phone string   // as people write it
}

// Banner says on top of a page what everybody here must know now.
type Banner struct {
	Title string // "Accesso straordinario: Nora Facsimili"
	Text  string // why, what, until when, what was read so far
	Link  *Link
}

// Shell is everything the layout shows around a page.
type Shell struct {
	Lang          string     // language of the page, "it"
	Langs         []Language // offered; the switch needs at least two
	Path          string     // path and query of the request, for the language links
	CommuneName   string     // "Città di Lugano"; also the entity's name
	Subtitle      string     // under the name; "" for the variant's own
	HomeURL       string     // "" for "/"
	Canonical     string     // address by which search engines shall know the page; "" leaves it out
	MarkURL       string
	ThemeURL      string // the commune's sheet of colours
	Variant       Variant
	Nav           []Link // main menu before the account
	SignedIn      bool
	UserName      string
	AccountURL    string // "" for "/area"
	Search        bool   // search field in the header; hidden where the page has its own
	SearchURL     string // "" for "/servizi"
	Query         string // what was searched for
	Offices       []Office
	Links         []Link         // last block of the footer
	BindingNote   string         // which language is binding; "" for the usual sentence
	Banners       []Banner       // on top of every page: an access that lasts
	Demo          bool           // invented people and data: say so on every page
	Invalid       bool           // the form came back with errors: the title begins with that word
	Refresh       int            // seconds after which a browser without JavaScript asks again, 0 for never
	Announcements []Announcement // what everybody should know now: maintenance
	CSPNonce      string
	Version       string
}

// Announcement stands above every page while it lasts.
type Announcement struct {
	Tone    Tone
	Title   string
	Text    string
	When    string
	Italian bool // the text is Italian on a page of another language
}

// Wide reports whether the page is of the dense kind for people at work.
func (s Shell) Wide() bool {
	return s.Variant == Desk || s.Variant == Console || s.Variant == Operator
}

// LangURL is the address of this page in another language.
func (s Shell) LangURL(code string) string {
	path, raw, _ := strings.Cut(s.Path, "?")
	q, err := url.ParseQuery(raw)
	if err != nil {
		q = url.Values{}
	}
	q.Set("lang", code)
	return path + "?" + q.Encode()
}

func (s Shell) langTag() string { return or(s.Lang, "it") + "-CH" }

func or[T ~string](s, fallback T) T {
	if s == "" {
		return fallback
	}
	return s
}

// TelURL is the address that dials a number written for people.
func TelURL(phone string) string {
	return "tel:" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
}

func pageTitle(ctx context.Context, s Shell, title string) string {
	parts := []string{}
	if title != "" {
		parts = append(parts, title)
	} else {
		parts = append(parts, subtitle(ctx, s))
	}
	if s.CommuneName != "" {
		parts = append(parts, s.CommuneName)
	}
	full := strings.Join(parts, " – ")
	if s.Invalid {
		return i18n.T(ctx, "ui.error_title", "title", full)
	}
	return full
}

func subtitle(ctx context.Context, s Shell) string {
	if s.Subtitle != "" {
		return s.Subtitle
	}
	return i18n.T(ctx, "ui.subtitle."+string(or(s.Variant, Portal)))
}
