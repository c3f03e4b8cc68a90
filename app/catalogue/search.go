package catalogue

import (
	"context"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/finder"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// How much a word counts by where it stands.
const (
	inTitle    = 10.0
	inKeywords = 7.0
	inID       = 5.0
	inTheme    = 4.0
	inOutput   = 4.0
	inSummary  = 3.0
	inOffice   = 2.5
	inTexts    = 1.0
)

// maxQuery bounds what is searched for, in bytes.
const maxQuery = 200

// fold makes small letters without accents and nothing but letters and digits
// between single spaces.
func fold(text string) string { return finder.Fold(text) }

// searchable is a service as the search sees it.
func (m *Module) searchable(s *Service, office site.Office) finder.Doc {
	var doc finder.Doc
	add := func(text i18n.Text, weight float64) {
		for lang, words := range text {
			doc = append(doc, finder.Field{Text: words, Lang: lang, Weight: weight})
		}
	}
	add(s.Title, inTitle)
	add(s.Output.Title, inOutput)
	add(s.Summary, inSummary)
	for _, text := range slices.Concat([]i18n.Text{s.Who, s.Output.Summary}, s.Needs, s.WhoList) {
		add(text, inTexts)
	}
	doc = append(doc,
		finder.Field{Text: strings.Join(s.Keywords, " "), Weight: inKeywords},
		finder.Field{Text: strings.ReplaceAll(s.ID, "-", " "), Lang: i18n.Reference, Weight: inID},
		finder.Field{Text: office.Name + " " + strings.ReplaceAll(office.Key, "-", " "), Lang: i18n.Reference, Weight: inOffice})
	if m.Texts != nil {
		keys := []string{"services.theme." + s.Category}
		for _, event := range s.LifeEvents {
			keys = append(keys, "home.event."+event+".title")
		}
		for _, lang := range finder.Languages {
			for _, key := range keys {
				if text, ok := m.Texts.Text(lang, key); ok {
					doc = append(doc, finder.Field{Text: text, Lang: lang, Weight: inTheme})
				}
			}
		}
	}
	return doc
}

// index makes the search of a commune's services.
func (m *Module) index(services []*Service, face *site.Site) (*finder.Index, error) {
	synonyms, err := m.synonyms()
	if err != nil {
		return nil, err
	}
	docs := make([]finder.Doc, len(services))
	for i, s := range services {
		docs[i] = m.searchable(s, face.Office(s.Office))
	}
	return finder.New(docs, synonyms), nil
}

// Found is what a search found, the best first.
type Found struct {
	Services []*Service
	// Instead is what was searched for in place of a word nobody knows.
	Instead string
	// Partly says that no service has all the words.
	Partly bool
	// Near are services whose title comes closest, where none was found.
	Near []*Service

	result finder.Result
}

// Mark parts a title at the words by which it was found.
func (f Found) Mark(title string) []ui.Mark {
	var out []ui.Mark
	for _, p := range f.result.Mark(title) {
		out = append(out, ui.Mark(p))
	}
	return out
}

// Search finds services by what people type: their words in any of the four
// languages, with or without accents, by synonyms and with typing errors. An
// empty query finds nothing. It is answered from memory.
func (m *Module) Search(ctx context.Context, t tenancy.Tenant, query, lang string) (Found, error) {
	s, err := m.cache.Get(ctx, t)
	if err != nil {
		return Found{}, err
	}
	return s.search(query, lang, false), nil
}

// Suggest is Search while somebody is still typing.
func (m *Module) Suggest(ctx context.Context, t tenancy.Tenant, query, lang string) (Found, error) {
	s, err := m.cache.Get(ctx, t)
	if err != nil {
		return Found{}, err
	}
	return s.search(query, lang, true), nil
}

// nearTitle is how much of a query a title must hold to be offered where nothing
// was found; nearMost is how many are.
const (
	nearTitle = .3
	nearMost  = 3
)

func (s *Snapshot) search(query, lang string, typing bool) Found {
	if len(query) > maxQuery {
		query = strings.ToValidUTF8(query[:maxQuery], "")
	}
	r := s.index.Search(finder.Query{Text: query, Lang: lang, Typing: typing})
	f := Found{Instead: r.Instead, Partly: r.Partly, result: r}
	for _, hit := range r.Hits {
		f.Services = append(f.Services, s.offered[hit.Doc])
	}
	if len(f.Services) == 0 && !typing {
		f.Near = s.near(fold(query), lang)
	}
	return f
}

// near are the services whose title comes closest to a query.
func (s *Snapshot) near(folded, lang string) []*Service {
	type close struct {
		service *Service
		how     float64
	}
	var list []close
	for _, service := range s.offered {
		if how := finder.WordSimilarity(folded, fold(service.Title.In(lang))); how >= nearTitle {
			list = append(list, close{service, how})
		}
	}
	slices.SortStableFunc(list, func(a, b close) int {
		switch {
		case a.how > b.how:
			return -1
		case a.how < b.how:
			return 1
		}
		return 0
	})
	var out []*Service
	for _, c := range list[:min(len(list), nearMost)] {
		out = append(out, c.service)
	}
	return out
}
