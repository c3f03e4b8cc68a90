package catalogue

import (
	"context"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Topic is what a change of a service bumps.
const Topic = "catalogue"

// Deps is what the catalogue is made of.
type Deps struct {
	DB    *tenancy.DB
	Sites *site.Sites
	Clock clock.Clock
	Root  fs.FS // tenants.FS or SPORTELLO_TENANTS_DIR: the calendars
	// Demo lets services be published whose fee nobody has confirmed.
	Demo bool
	// URL makes a full address of a path of the commune, for machines.
	URL func(t tenancy.Tenant, path string) string
	// Drafts may be nil: then no card offers to resume one. The forms need the
	// catalogue first, so it is set once both exist.
	Drafts Drafts
}

// Module serves the services of all communes.
type Module struct {
	Deps
	cache   *tenancy.Cached[*Snapshot]
	mu      sync.Mutex
	engines map[string]*rules.Engine
}

// New makes the module.
func New(d Deps) *Module {
	m := &Module{Deps: d, engines: map[string]*rules.Engine{}}
	m.cache = tenancy.NewCached(d.DB, Topic, m.load)
	return m
}

// Mount adds the routes. The console's pages of services stand in package
// console and use the use cases of this package.
func (m *Module) Mount(r *web.Router) {
	r.Portal.GET("/servizi", access.Public, m.listPage, web.Shared(Topic))
	r.Portal.GET("/servizi/:id", access.Public, m.servicePage, web.Shared(Topic))
	r.API.GET("/schemas/service.json", access.Public, apiServiceSchema)
	r.API.GET("/services", access.Public, m.apiList)
	r.API.GET("/services/:id", access.Public, m.apiService)
	r.API.GET("/services/:id/schema", access.Public, m.apiSchema)
}

// Snapshot is what one commune offers, in memory.
type Snapshot struct {
	byID    map[string]*Service
	offered []*Service // published, by theme and title
	entries []entry    // for the search, in the same order
}

// load reads and compiles the services of a commune. A service that does not
// compile any more is left out and logged: the others go on.
func (m *Module) load(tx *tenancy.Tx) (*Snapshot, error) {
	face, err := site.Load(tx)
	if err != nil {
		return nil, err
	}
	engine, err := m.Engine(face.Calendar)
	if err != nil {
		return nil, err
	}
	rows, err := allRows(tx)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{byID: make(map[string]*Service, len(rows))}
	for _, r := range rows {
		service, err := compileRow(r, engine)
		if err != nil {
			slog.Error("service left out", "commune", tx.Tenant().Slug(), "service", r.ID, "error", err)
			continue
		}
		s.byID[service.ID] = service
		if service.Published && (m.Demo || !service.DemoFee()) {
			s.offered = append(s.offered, service)
		}
	}
	slices.SortFunc(s.offered, byTheme)
	for _, service := range s.offered {
		s.entries = append(s.entries, newEntry(service))
	}
	return s, nil
}

func byTheme(a, b *Service) int {
	if d := slices.Index(categories, a.Category) - slices.Index(categories, b.Category); d != 0 {
		return d
	}
	return strings.Compare(fold(a.Title.In(i18n.Reference)), fold(b.Title.In(i18n.Reference)))
}

// Engine is the rule engine of a calendar, made at the first question.
func (m *Module) Engine(calendar string) (*rules.Engine, error) {
	if calendar == "" {
		calendar = "ticino"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if engine := m.engines[calendar]; engine != nil {
		return engine, nil
	}
	holidays, err := ReadCalendar(m.Root, calendar)
	if err != nil {
		return nil, err
	}
	engine, err := rules.NewEngine(holidays)
	if err != nil {
		return nil, err
	}
	m.engines[calendar] = engine
	return engine, nil
}

// Offered are the services people may ask for now, by theme and title.
func (m *Module) Offered(ctx context.Context, t tenancy.Tenant) ([]*Service, error) {
	s, err := m.cache.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	return s.offered, nil
}

// Service finds a service people may ask for; ErrNotOffered otherwise.
func (m *Module) Service(ctx context.Context, t tenancy.Tenant, id string) (*Service, error) {
	s, err := m.cache.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	service := s.byID[id]
	if service == nil || !slices.Contains(s.offered, service) {
		return nil, ErrNotOffered
	}
	return service, nil
}

// Known finds a service the commune has or once had, published or not: cases
// and drafts outlive an offer.
func (m *Module) Known(ctx context.Context, t tenancy.Tenant, id string) (*Service, error) {
	s, err := m.cache.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	if service := s.byID[id]; service != nil {
		return service, nil
	}
	return nil, ErrNotOffered
}

// Drafts is what the card asks of package forms: has the person begun one?
type Drafts interface {
	OpenDraft(ctx context.Context, by identity.Actor, service string) (id uuid.UUID, found bool, err error)
}

// Offer is a service as package forms needs it to have it filled in.
func (m *Module) Offer(ctx context.Context, t tenancy.Tenant, id string) (*forms.Offer, error) {
	s, err := m.Service(ctx, t, id)
	if err != nil {
		return nil, err
	}
	if !s.Paused.Empty() {
		return nil, ErrPaused.With("why", s.Paused.In("it"))
	}
	offer := s.Offer()
	offer.Left = func(ctx context.Context, in rules.Input) (rules.Left, error) { return m.Left(ctx, t, s, in) }
	return offer, nil
}

// Offer is the service as package forms has it filled in; what is left of its
// places or credit is not known to it.
func (s *Service) Offer() *forms.Offer {
	return &forms.Offer{
		ID: s.ID, Version: s.Version, Hash: s.Hash, Title: s.Title, Office: s.Office, BeginLevel: s.BeginLevel(), Level: s.SubmitLevel(), OnlyItalian: func(lang string) bool { return !s.Summary.Speaks(lang) },
		Immediate: s.Kind == Smart, PayNow: s.Fee.Due == OnSubmission, DemoFee: s.DemoFee(), FeeNote: s.Fee.Note,
		Form: s.Form, Rules: s.Rules, Amounts: s.AmountsCHF(), Limits: s.LimitValues(),
		TurnsAway: s.Scarce() && !s.Queues(),
	}
}
