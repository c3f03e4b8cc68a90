package catalogue

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/rdf"
)

// How many services one answer holds.
const (
	apiLimit    = 50
	apiLimitMax = 200
)

// The media types of the list.
const (
	typeJSON   = "application/json; charset=utf-8"
	typeJSONLD = "application/ld+json"
	typeTurtle = "text/turtle"
)

// apiPage is GET /api/v1/services.
type apiPage struct {
	Services []apiSummary `json:"services"`
	Count    int          `json:"count"` // of all that pass the filters
	Next     string       `json:"next,omitempty"`
}

// answer sends a value with a validator; what it says depends on the language of
// the request.
func answer(r *web.Request, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("catalogue: json: %w", err)
	}
	return r.Validated(typeJSON, body, "Accept", "Cookie")
}

// apiList is the services that pass the filters, as JSON page by page; as Turtle
// or JSON-LD, whole, to who asks for that.
func (m *Module) apiList(r *web.Request) error {
	switch accepted(r.Header("Accept")) {
	case typeTurtle:
		return m.linked(r, turtle)
	case typeJSONLD:
		return m.linked(r, jsonLD)
	}
	all, err := m.apiFiltered(r)
	if err != nil {
		return err
	}
	limit := apiLimit
	if asked := r.Query("limit"); asked != "" {
		if limit, err = strconv.Atoi(asked); err != nil || limit < 1 || limit > apiLimitMax {
			return ErrQuery.With("name", "limit")
		}
	}
	from, err := m.after(r, all)
	if err != nil {
		return err
	}
	figures, err := m.figures(r.Ctx(), r.Tenant())
	if err != nil {
		return err
	}
	to := min(from+limit, len(all))
	page := apiPage{Services: []apiSummary{}, Count: len(all)}
	for _, s := range all[from:to] {
		page.Services = append(page.Services, m.summary(r, s, figures[s.ID]))
	}
	if to < len(all) {
		page.Next = m.next(r, all[to-1].ID)
		r.SetHeader("Link", "<"+page.Next+`>; rel="next"`)
	}
	return answer(r, page)
}

// accepted is the first of our media types that a machine names; "" for JSON.
func accepted(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		switch kind, _, _ := strings.Cut(strings.TrimSpace(part), ";"); kind {
		case typeTurtle, typeJSONLD:
			return kind
		case "application/json", "*/*":
			return ""
		}
	}
	return ""
}

// apiFiltered are the services that pass the filters of a request, those of a
// search by how well they fit. Errors: ErrQuery names the filter that is none.
func (m *Module) apiFiltered(r *web.Request) ([]*Service, error) {
	f := Filter{Theme: r.Query("theme"), Event: r.Query("life_event"), Audience: r.Query("audience"), Office: r.Query("office")}
	if f.Theme == "" {
		f.Theme = r.Query("category") // its name before there were others
	}
	for name, on := range map[string]*bool{"online": &f.Online, "free": &f.Free} {
		if asked := r.Query(name); asked != "" {
			yes, err := strconv.ParseBool(asked)
			if err != nil || !yes {
				return nil, ErrQuery.With("name", name)
			}
			*on = true
		}
	}
	if !f.known() {
		return nil, ErrQuery.With("name", "theme, life_event, audience")
	}
	kind := ServiceKind(r.Query("kind"))
	if kind != "" && kind != Smart && kind != Traditional {
		return nil, ErrQuery.With("name", "kind")
	}
	var since time.Time
	if asked := r.Query("updated_since"); asked != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, asked); err != nil {
			return nil, ErrQuery.With("name", "updated_since")
		}
	}
	all, err := m.Offered(r.Ctx(), r.Tenant())
	if err != nil {
		return nil, err
	}
	if q := r.Query("q"); q != "" {
		found, err := m.Search(r.Ctx(), r.Tenant(), q, r.Lang())
		if err != nil {
			return nil, err
		}
		all = found.Services
	}
	var out []*Service
	for _, s := range f.Of(all) {
		if (kind == "" || s.Kind == kind) && !s.UpdatedAt.Before(since) {
			out = append(out, s)
		}
	}
	return out, nil
}

// after is where a page begins: behind the service that the cursor names. It
// need not be there any more, where the order is the catalogue's own.
func (m *Module) after(r *web.Request, all []*Service) (int, error) {
	cursor := r.Query("cursor")
	if cursor == "" {
		return 0, nil
	}
	id, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !definition.IsID(string(id)) {
		return 0, ErrQuery.With("name", "cursor")
	}
	if i := slices.IndexFunc(all, func(s *Service) bool { return s.ID == string(id) }); i >= 0 {
		return i + 1, nil
	}
	gone, err := m.Known(r.Ctx(), r.Tenant(), string(id))
	if err != nil || r.Query("q") != "" {
		return 0, ErrQuery.With("name", "cursor")
	}
	i, _ := slices.BinarySearchFunc(all, gone, definition.ByTheme)
	return i, nil
}

// next is the address of the page behind a service.
func (m *Module) next(r *web.Request, last string) string {
	v := url.Values{"cursor": {base64.RawURLEncoding.EncodeToString([]byte(last))}}
	for _, name := range []string{"theme", "category", "life_event", "audience", "office", "online", "free", "kind", "updated_since", "q", "lang", "limit"} {
		if value := r.Query(name); value != "" {
			v.Set(name, value)
		}
	}
	return m.URL(r.Tenant(), "/api/v1/services?"+v.Encode())
}

// notation is a way to write linked data.
type notation struct {
	mediaType string
	write     func(*rdf.Graph, io.Writer) error
}

var (
	turtle = notation{typeTurtle, (*rdf.Graph).Turtle}
	jsonLD = notation{typeJSONLD, (*rdf.Graph).JSONLD}
)

// apiLinked is the list as CPSV-AP in one notation.
func (m *Module) apiLinked(n notation) web.Handler {
	return func(r *web.Request) error { return m.linked(r, n) }
}

func (m *Module) linked(r *web.Request, n notation) error {
	services, err := m.apiFiltered(r)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	t := r.Tenant()
	by := Describer{URL: func(path string) string { return m.URL(t, path) }, BFS: t.BFS(), Face: r.Site(), Texts: m.Texts}
	if err := n.write(by.Describe(services), &out); err != nil {
		return err
	}
	return r.Validated(n.mediaType+"; charset=utf-8", out.Bytes(), "Accept", "Cookie")
}

//go:embed openapi.json
var openAPI []byte

// apiDescription is the machine interface described as OpenAPI 3.1, with the
// commune's own address.
func (m *Module) apiDescription(r *web.Request) error {
	return r.Validated(typeJSON, bytes.ReplaceAll(openAPI, []byte("https://SERVER"), []byte(m.URL(r.Tenant(), ""))))
}
