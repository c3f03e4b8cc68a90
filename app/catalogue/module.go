package catalogue

import (
	"context"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/finder"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Topic is what a change of a service bumps.
const Topic = "catalogue"

// Deps is what the catalogue is made of.
type Deps struct {
	DB    *tenancy.DB
	Sites *site.Sites
	// Outbox carries word of a published version to the communes.
	Outbox *outbox.Outbox
	Clock  clock.Clock
	Root   fs.FS // tenants.FS or SPORTELLO_TENANTS_DIR: the calendars
	// Demo lets services be published whose fee nobody has confirmed.
	Demo bool
	// URL makes a full address of a path of the commune, for machines.
	URL func(t tenancy.Tenant, path string) string
	// Drafts may be nil: then no card offers to resume one. The forms need the
	// catalogue first, so it is set once both exist.
	Drafts Drafts
	// Texts let services be found by the words of their theme and life event.
	Texts *i18n.Bundle
	// Figures say how a service really does; may be nil. They need the catalogue
	// first, so they are set once both exist.
	Figures Figures
}

// Module serves the services of all communes.
type Module struct {
	Deps
	cache    *tenancy.Cached[*Snapshot]
	versions *lru.Cache[string, *Service] // older ones, by commune, service and hash
	mu       sync.Mutex
	engines  map[string]*rules.Engine
	// synonyms are read once, at the first search.
	synonyms func() (finder.Synonyms, error)
}

// versionsHeld is how many older versions a process holds compiled.
const versionsHeld = 256

// New makes the module.
func New(d Deps) *Module {
	m := &Module{Deps: d, engines: map[string]*rules.Engine{}}
	m.synonyms = sync.OnceValues(func() (finder.Synonyms, error) { return ReadSynonyms(d.Root) })
	var err error
	if m.versions, err = lru.New[string, *Service](versionsHeld); err != nil {
		panic(err) // only a size below one
	}
	m.cache = tenancy.NewCached(d.DB, Topic, m.load)
	return m
}

// Mount adds the routes. The console's pages of services stand in package
// console and use the use cases of this package.
func (m *Module) Mount(r *web.Router) {
	r.Portal.GET("/servizi", access.Public, m.listPage, web.Shared(Topic))
	r.Portal.GET("/servizi/suggerimenti", access.Public, m.suggestions, web.AtMost("suggestions", 300, time.Minute))
	r.Portal.POST("/servizi/manca", access.Public, m.reportMissing, web.AtMost("missing", 20, time.Hour))
	r.Portal.GET("/servizi/:id", access.Public, m.servicePage, web.Shared(Topic, FiguresTopic, contingents.Topic))
	r.Portal.GET(EmbedSearchPath, access.Public, m.embeddedSearch, web.Embeddable())
	r.Portal.GET(EmbedCardPath+":id", access.Public, m.embeddedCard, web.Embeddable())
	r.API.GET("/schemas/service.json", access.Public, apiServiceSchema)
	r.API.GET("/services", access.Public, m.apiList)
	r.API.GET("/services.jsonld", access.Public, m.apiLinked(jsonLD))
	r.API.GET("/services.ttl", access.Public, m.apiLinked(turtle))
	r.API.GET("/openapi.json", access.Public, m.apiDescription)
	r.API.GET("/services/:id", access.Public, m.apiService)
	r.API.GET("/services/:id/schema", access.Public, m.apiSchema)
}

// Snapshot is what one commune offers, in memory.
type Snapshot struct {
	byID    map[string]*Service
	offered []*Service    // published, by theme and title
	index   *finder.Index // of offered, in the same order
	kept    map[string]bool
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
	if s.kept, err = knownVersions(tx); err != nil {
		return nil, err
	}
	for _, r := range rows {
		service, err := compileRow(r, engine)
		if err != nil {
			slog.Error("service left out", "commune", tx.Tenant().Slug(), "service", r.ID, "error", err)
			continue
		}
		price, known := service.Price(context.Background())
		service.Gratis = service.Free() || known && price == 0 && !service.Fee.From
		s.byID[service.ID] = service
		if service.Published && (m.Demo || !service.DemoFee()) {
			s.offered = append(s.offered, service)
		}
	}
	slices.SortFunc(s.offered, definition.ByTheme)
	s.index, err = m.index(s.offered, face)
	return s, err
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
