// Package app is the composition root: it builds every module from the
// settings and knows who is given what. The list of modules is in New.
package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"os"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/agreements"
	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/breakglass"
	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/cases"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/demo"
	"github.com/sportello-ticino/sportello/app/documents"
	seals "github.com/sportello-ticino/sportello/app/documents/providers/local"
	"github.com/sportello-ticino/sportello/app/domains"
	"github.com/sportello-ticino/sportello/app/figures"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/home"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/identity/pages"
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance"
	"github.com/sportello-ticino/sportello/app/quotas"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/status"
	"github.com/sportello-ticino/sportello/app/support"
	"github.com/sportello-ticino/sportello/app/takeover"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/updates"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/egress"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/kms"
	"github.com/sportello-ticino/sportello/pkg/mail"
	"github.com/sportello-ticino/sportello/pkg/scan"
	"github.com/sportello-ticino/sportello/pkg/trace"
	"github.com/sportello-ticino/sportello/tenants"
)

// Version is what pages and `sportello --version` say; the build sets it.
var Version = "0.1.0"

// App is the whole product, built and connected to nothing it does not need
// yet: connections are made when they are first used.
type App struct {
	// KeepDrafts lets a folder take fields away that open drafts have answered.
	KeepDrafts bool
	Config     config.Config
	Log        *slog.Logger
	Clock      clock.Clock
	DB         *tenancy.DB
	Keys       *keys.Ring
	Masters    *kms.Chain
	Redis      *redis.Client
	TenantsFS  fs.FS
	Texts      *i18n.Bundle
	Registry   *outbox.Registry
	Outbox     *outbox.Outbox
	Router     *web.Router
	Web        *web.Server
	Sites      *site.Sites

	Identity      *identity.Service
	Staff         *identity.Staff
	Catalogue     *catalogue.Module
	Figures       *figures.Module
	Forms         *forms.Module
	Payments      *payments.Module
	Documents     *documents.Module
	Notifications *notifications.Service
	Seals         *seals.Seals
	Cases         *cases.Module
	Meters        *meters.Readings
	Costs         *costs.Service
	Quotas        *quotas.Service
	Breakglass    *breakglass.Module
	Bulletin      *bulletin.Board
	Support       *support.Service
	Agreements    *agreements.Service
	Domains       *domains.Module
	Anchors       *audit.Anchors

	guard    *egress.Guard
	blobs    *blob.Bucket
	draining atomic.Bool
	untrace  func(context.Context) error
}

// Options change what only tests and the demo change.
type Options struct {
	Log   *slog.Logger
	Clock clock.Clock
	// Registers replaces the population register, for tests of its absence.
	Registers registers.PopulationRegister
	// Roots are who signs the certificates of communes' own domains; nil are the
	// machine's. For tests with a server of their own.
	Roots *x509.CertPool
}

// module is what every module can do; New lists them.
type module interface{ Mount(*web.Router) }

type worker interface{ Jobs(*outbox.Registry) }

type metered interface{ Meters() []meters.Meter }

// New builds everything. It reads files and settings, and dials nothing.
func New(ctx context.Context, cfg config.Config, o Options) (*App, error) {
	a := &App{Config: cfg, Log: o.Log, Clock: o.Clock}
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	if a.Clock == nil {
		a.Clock = clock.System{}
	}
	if err := a.foundation(ctx); err != nil {
		a.Close()
		return nil, err
	}
	if err := a.modules(o); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// foundation opens what all modules stand on.
func (a *App) foundation(ctx context.Context) error {
	cfg := a.Config
	if cfg.Trace.URL != "" {
		var err error
		if a.untrace, err = trace.Setup(ctx, cfg.Trace.URL, Version, a.Log); err != nil {
			return err
		}
	}
	master, err := cfg.Keys.Master()
	if err != nil {
		return err
	}
	chain, secrets, err := masters(cfg)
	if err != nil {
		return err
	}
	a.Masters = chain
	a.TenantsFS = tenantsFS(cfg)
	if a.Texts, err = i18n.Load(a.TenantsFS, "shared/texts"); err != nil {
		return err
	}
	if a.DB, err = openDatabase(cfg, master); err != nil {
		return err
	}
	if a.Keys, err = keys.NewRing(a.DB, chain, secrets...); err != nil {
		return err
	}
	opt, err := redis.ParseURL(orDefault(cfg.Redis.URL, "redis://127.0.0.1:6379"))
	if err != nil {
		return fmt.Errorf("SPORTELLO_REDIS_URL: %w", err)
	}
	// A Redis that is away must not hold up the pages that do without it.
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout = time.Second, 2*time.Second, 2*time.Second
	opt.MaxRetries, opt.DialerRetries = 1, 1
	a.Redis = redis.NewClient(opt)
	a.Registry = outbox.NewRegistry()
	a.Outbox = outbox.New(a.Registry, a.Redis)
	a.Router = web.NewRouter()
	a.Sites = site.NewSites(a.DB)
	if a.blobs, err = blob.Open(ctx, cfg.BlobURL()); err != nil {
		return err
	}
	a.blobs.UseKeys(keys.ForFiles(a.DB, a.Keys))
	return nil
}

func openDatabase(cfg config.Config, master []byte) (*tenancy.DB, error) {
	d := cfg.Database
	clusters, err := d.ClusterURLs()
	if err != nil {
		return nil, err
	}
	return tenancy.Open(d.URL, master, cfg.Server.BaseDomain, tenancy.Options{Clusters: clusters, Pooler: d.Pooler, PoolSize: d.PoolSize, Connections: d.Connections, PlatformPoolSize: d.PlatformPoolSize,
		AcquireTimeout: d.AcquireTimeout, ConnLifetime: d.ConnLifetime, StatementTimeout: d.StatementTimeout, LockTimeout: d.LockTimeout,
		IdleTimeout: d.IdleInTransactionTimeout})
}

// modules builds the product, base modules first.
func (a *App) modules(o Options) error {
	cfg := a.Config
	perms, err := access.New()
	if err != nil {
		return err
	}
	sender, err := mail.NewSMTP(mail.SMTPOptions{Addr: orDefault(cfg.Mail.SMTPAddr, "127.0.0.1:25"), TLS: cfg.Mail.TLS,
		Username: cfg.Mail.Username, Password: cfg.Mail.Password, Timeout: cfg.Mail.Timeout})
	if err != nil {
		return err
	}
	guard, err := egress.NewGuard(egress.Options{Allow: cfg.Egress.Allow, Timeout: cfg.Egress.Timeout})
	if err != nil {
		return err
	}
	a.Notifications = notifications.New(notifications.Deps{DB: a.DB, Outbox: a.Outbox, Sites: a.Sites, Mail: sender, Clock: a.Clock,
		Texts: func(tenancy.Tenant) *i18n.Bundle { return a.Texts }, Fallback: cfg.Mail.Sender})
	a.quotas()
	sessions := identity.NewSessions(a.Redis, a.Clock)
	if a.Identity, err = identity.New(identity.Deps{DB: a.DB, Sessions: sessions, Mailer: mailer{a.Notifications}, Audit: audit.Record, Clock: a.Clock, URL: a.URL}); err != nil {
		return err
	}
	if a.Staff, err = identity.NewStaff(a.DB, sessions, keys.Entity{Ring: a.Keys}, a.Clock.Now); err != nil {
		return err
	}
	var register registers.PopulationRegister = local.Register{DB: a.DB}
	if o.Registers != nil {
		register = o.Registers
	}
	a.Catalogue = catalogue.New(catalogue.Deps{DB: a.DB, Sites: a.Sites, Outbox: a.Outbox, Clock: a.Clock, Root: a.TenantsFS, Demo: cfg.Demo, URL: a.URL, Texts: a.Texts})
	a.Figures = figures.New(a.DB, a.Clock, a.Catalogue)
	a.Catalogue.Figures = a.Figures
	a.guard = guard
	postFinance, err := postfinance.New(postfinance.Options{Base: cfg.Payments.PostFinanceURL, HTTP: guard.Client()})
	if err != nil {
		return err
	}
	a.Payments = payments.New(payments.Deps{DB: a.DB, Outbox: a.Outbox, Clock: a.Clock,
		Providers: map[string]payments.Provider{"postfinance": postFinance}, Provider: "postfinance", URL: a.URL, Log: a.Log})
	scanner := scan.New(cfg.Scanner.ClamdAddr, cfg.Scanner.Timeout)
	if err := a.caseModules(register, perms, scanner); err != nil {
		return err
	}
	a.Anchors = &audit.Anchors{DB: a.DB, Clock: a.Clock, Dir: cfg.Audit.AnchorDir}
	a.Breakglass = breakglass.New(breakglass.Deps{DB: a.DB, Outbox: a.Outbox, Sites: a.Sites, Clock: a.Clock, Identity: a.Identity, Staff: a.Staff,
		Access: perms, Cases: a.Cases, Mail: a.Notifications, URL: a.URL})
	return a.mount(perms, o)
}

// tenantsFS is SPORTELLO_TENANTS_DIR, or the copy inside the binary.
func tenantsFS(cfg config.Config) fs.FS {
	if cfg.Tenants.Dir != "" {
		return os.DirFS(cfg.Tenants.Dir)
	}
	return tenants.FS
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// URL is the public address of a path on a commune's main host.
func (a *App) URL(t tenancy.Tenant, path string) string {
	return a.Config.Server.URL(a.DB.Directory().HostOf(t)) + path
}

// mount gives every module its routes and jobs.
func (a *App) mount(perms *access.Access, o Options) error {
	cfg := a.Config
	entity, err := entityFace(a.TenantsFS)
	if err != nil {
		return err
	}
	mailURL := ""
	if cfg.Demo {
		mailURL = "/dev/posta"
	}
	if err := a.entityServices(o.Roots); err != nil {
		return err
	}
	all := []module{
		&home.Module{DB: a.DB, Catalogue: a.Catalogue, Sites: a.Sites, Clock: a.Clock, URL: cfg.Server.URL},
		&pages.Pages{Identity: a.Identity, Staff: a.Staff, MailURL: mailURL},
		a.Catalogue, a.Figures, a.Forms, a.Payments, a.Documents, a.Cases,
		a.Breakglass,
		&console.Module{DB: a.DB, Catalogue: a.Catalogue, Finding: a.Catalogue, URL: a.URL, Payments: a.Payments.Service, Staff: a.Identity, Clock: a.Clock, Near: a.Quotas.Near, Updates: (&updates.Module{Catalogue: a.Catalogue}).Tasks},
		&operator.Module{DB: a.DB, Staff: a.Staff, Identity: a.Identity, FS: a.TenantsFS, Files: a.blobs, Clock: a.Clock, URL: cfg.Server.URL, Version: Version, Marks: a.Quotas.Marks},
		&updates.Module{DB: a.DB, Catalogue: a.Catalogue},
		&takeover.Module{Service: a.Takeover()},
		&costs.Module{Service: a.Costs, Entity: entity}, &bulletin.Module{Board: a.Bulletin}, &support.Module{Service: a.Support}, &agreements.Module{Service: a.Agreements}, &quotas.Module{Service: a.Quotas},
		a.Domains, status.New(a.DB, a.Clock, a.Bulletin, func(ctx context.Context) error { return a.Redis.Ping(ctx).Err() }),
	}
	if cfg.Demo {
		all = append(all, &demo.Module{DB: a.DB, FS: a.TenantsFS, Identity: a.Identity, Staff: a.Staff,
			Mailbox: demo.Folder(mailFolder(cfg)), URL: cfg.Server.URL})
	}
	for _, m := range all {
		m.Mount(a.Router)
		if w, ok := m.(worker); ok {
			w.Jobs(a.Registry)
		}
		if w, ok := m.(metered); ok {
			a.Meters.Add(w.Meters()...)
		}
	}
	a.Notifications.Jobs(a.Registry)
	a.Meters.Add(a.Notifications.Meters()...)
	a.Meters.Jobs(a.Registry)
	a.Registry.Every("audit.anchor", audit.AnchorEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return a.Anchors.Daily(ctx, t) })
	a.Web, err = web.New(web.Deps{DB: a.DB, Redis: a.Redis, Access: perms, Identity: a.Identity, Staff: a.Staff, Sites: a.Sites, Entity: entity,
		Texts: a.Texts, Log: a.Log, URL: cfg.Server.URL, HTTPS: cfg.Server.PublicScheme == "https", Demo: cfg.Demo,
		TrustedProxies: cfg.Server.TrustedProxies, Version: Version, PerCommune: cfg.Server.PerCommune, FormTargets: []string{origin(cfg.Payments.PostFinanceURL)}, Ready: a.Ready, Banners: a.Breakglass.Banners,
		Announcements: a.Bulletin.Announcements, Failed: meters.NewErrors(a.DB, a.Clock).Count,
		Calls: a.Quotas.Calls, CallsPerMinute: cfg.Quotas.APIPerMinute, CallsPerAddress: cfg.Quotas.API / 10}, a.Router)
	return err
}

// Blobs is the file store of one commune.
func (a *App) Blobs(slug string) blob.Scope { return a.blobs.For(slug) }

// Close lets everything go.
func (a *App) Close() {
	if a.untrace != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		defer func() { _ = a.untrace(ctx) }() // a collector that is away must not keep us
	}
	if a.DB != nil {
		a.DB.Close()
	}
	if a.Redis != nil {
		_ = a.Redis.Close()
	}
	if a.blobs != nil {
		_ = a.blobs.Close()
	}
}

// Worker runs the background jobs of all communes.
func (a *App) Worker() *outbox.Worker {
	return outbox.NewWorker(outbox.WorkerDeps{DB: a.DB, Registry: a.Registry, Redis: a.Redis, Log: a.Log,
		Concurrency: a.Config.Worker.Concurrency, PerCommune: a.Config.Worker.PerTenant})
}

// Ops is the handler of the operators' address: metrics, health, profiles.
func (a *App) Ops() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", a.metricsPage())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/known-host", a.knownHost)
	mux.Handle("/", a.Web)
	return mux
}

// knownHost answers 200 for a host this deployment serves: a reverse proxy asks
// before it gets a certificate for one.
func (a *App) knownHost(w http.ResponseWriter, r *http.Request) {
	if known, err := a.Web.Knows(r.Context(), r.URL.Query().Get("domain")); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	} else if !known {
		w.WriteHeader(http.StatusNotFound)
	}
}
