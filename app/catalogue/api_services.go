package catalogue

import (
	"maps"
	"slices"
	"time"

	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// apiSummary is a service in the list of GET /api/v1/services.
type apiSummary struct {
	ID       string      `json:"id"`
	Version  int         `json:"version"`
	Kind     ServiceKind `json:"kind"`
	Category string      `json:"category"`
	Title    i18n.Text   `json:"title"`
	Summary  i18n.Text   `json:"summary"`
	Audience []string    `json:"audience"`
	Office   string      `json:"office"`
	Level    int         `json:"level"`
	Price    *apiPrice   `json:"price"` // null where it depends on the request alone
	Events   []string    `json:"life_events"`
	Term     int         `json:"working_days"`
	Usual    *apiUsual   `json:"usual"` // null where too few cases say so
	Updated  time.Time   `json:"updated_at"`
	URL      string      `json:"url"`
	Schema   string      `json:"schema"`
}

// apiPrice is a price: the exact one, or the least when From is true.
type apiPrice struct {
	Centimes      money.CHF `json:"centimes"`
	From          bool      `json:"from"`
	Demonstration bool      `json:"demonstration"`
}

// apiUsual is how long the answer took in the last 90 days, as medians.
type apiUsual struct {
	WorkingDays int `json:"working_days"`
	Hours       int `json:"hours"`
	Answered    int `json:"answered"` // cases it rests on
}

// apiDetail is GET /api/v1/services/{id}.
type apiDetail struct {
	apiSummary
	Who        i18n.Text         `json:"who"`
	Needs      []i18n.Text       `json:"needs"`
	Output     Output            `json:"output"`
	LegalBasis []string          `json:"legal_basis"`
	Remedy     i18n.Text         `json:"remedy,omitempty"`
	Channels   []string          `json:"channels"`
	Amounts    map[string]Amount `json:"amounts,omitempty"`
	Due        Due               `json:"due"`
	Form       forms.Definition  `json:"form"`
}

func (m *Module) apiService(r *web.Request) error {
	s, err := m.Service(r.Ctx(), r.Tenant(), r.Param("id"))
	if err != nil {
		return err
	}
	figures, err := m.figures(r.Ctx(), r.Tenant())
	if err != nil {
		return err
	}
	return answer(r, apiDetail{
		apiSummary: m.summary(r, s, figures[s.ID]), Who: s.Who, Needs: s.Needs, Output: s.Output, LegalBasis: s.LegalBasis, Remedy: s.Remedy,
		Channels: s.Channels, Amounts: s.Fee.Amounts, Due: s.Fee.Due, Form: s.Definition.Form,
	})
}

// apiSchema is the JSON Schema 2020-12 of the service's form.
func (m *Module) apiSchema(r *web.Request) error {
	s, err := m.Service(r.Ctx(), r.Tenant(), r.Param("id"))
	if err != nil {
		return err
	}
	return answer(r, s.Form.Schema(m.URL(r.Tenant(), "/api/v1/services/"+s.ID+"/schema"), s.Title.For(r.Ctx()), r.Lang()))
}

func (m *Module) summary(r *web.Request, s *Service, f Figure) apiSummary {
	out := apiSummary{
		ID: s.ID, Version: s.Version, Kind: s.Kind, Category: s.Category, Title: s.Title, Summary: s.Summary, Audience: s.Audience,
		Office: s.Office, Level: s.Level, Events: append([]string{}, s.LifeEvents...), Updated: s.UpdatedAt, Term: s.Term.WorkingDays, URL: m.URL(r.Tenant(), "/servizi/"+s.ID),
		Schema: m.URL(r.Tenant(), "/api/v1/services/"+s.ID+"/schema"),
	}
	if price, ok := s.Price(r.Ctx()); ok {
		out.Price = &apiPrice{Centimes: price, From: s.Fee.From, Demonstration: s.DemoFee()}
	}
	if f.Days != nil && f.Hours != nil {
		out.Usual = &apiUsual{WorkingDays: *f.Days, Hours: *f.Hours, Answered: f.Answered}
	}
	return out
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
