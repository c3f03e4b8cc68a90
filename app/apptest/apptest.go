// Package apptest runs the whole product in a test: real PostgreSQL with two
// communes and their invented people, Redis, the payment sandbox over HTTP, a
// mail server, the worker, and a browser-like client.
package apptest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance/sandbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/mail"
	"github.com/sportello-ticino/sportello/pkg/pgtest"
	"github.com/sportello-ticino/sportello/pkg/redistest"
)

// Communes are the two that every test has: the one at work and the neighbour.
var Communes = []string{"lugano", "bellinzona"}

// Env is one running product.
type Env struct {
	*app.App
	OwnerURL string
	Port     string
	Sandbox  *sandbox.Server
	Inbox    *mail.Inbox
	payURL   string
	data     string
}

// Option changes the product under test.
type Option func(*config.Config, *app.Options)

// WithoutWorker leaves background jobs undone.
func WithoutWorker(c *config.Config, _ *app.Options) { c.Worker.Concurrency = -1 }

// New runs the product on a database of its own.
func New(t testing.TB, opts ...Option) *Env {
	t.Helper()
	db := pgtest.Clone(t, "app-"+sourceHash(t), func(ownerURL string) error { return fill(t, ownerURL) })
	e := &Env{OwnerURL: db.OwnerURL, data: t.TempDir()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, e.Port, _ = net.SplitHostPort(listener.Addr().String())
	if e.Inbox, err = mail.OpenInbox("127.0.0.1:0", filepath.Join(e.data, "mail")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Inbox.Close() })
	e.startSandbox(t)
	cfg := settings(t, db.OwnerURL, "SPORTELLO_ADDR="+listener.Addr().String(), "SPORTELLO_REDIS_URL="+redistest.New(t), "SPORTELLO_DATA="+e.data,
		"SPORTELLO_SMTP_ADDR="+e.Inbox.Addr(), "SPORTELLO_SMTP_TLS=none", "SPORTELLO_POSTFINANCE_URL="+e.payURL,
		"SPORTELLO_EGRESS_ALLOW="+strings.TrimPrefix(e.payURL, "http://"))
	o := app.Options{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	for _, f := range opts {
		f(&cfg, &o)
	}
	withWorker := cfg.Worker.Concurrency > 0
	if !withWorker {
		cfg.Worker.Concurrency = 1
	}
	if e.App, err = app.New(t.Context(), cfg, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.merchants(t)
	srv := &http.Server{Handler: e.Web, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(listener) }()
	t.Cleanup(func() { _ = srv.Close() })
	if withWorker {
		e.StartWorker(t)
	}
	return e
}

// Background runs something until the test ends.
func (e *Env) Background(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("in the background: %v", err)
		}
	})
}

// Second is another process on the same data, with other settings.
func (e *Env) Second(t testing.TB, change Option) *Env {
	t.Helper()
	cfg, o := e.Config, app.Options{}
	change(&cfg, &o)
	a, err := app.New(t.Context(), cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return &Env{App: a, OwnerURL: e.OwnerURL, Port: e.Port, Sandbox: e.Sandbox, Inbox: e.Inbox}
}

// StartWorker runs the background jobs until the test ends.
func (e *Env) StartWorker(t testing.TB) {
	t.Helper()
	e.Background(t, func(ctx context.Context) error { return e.Worker().Run(ctx) })
}

func (e *Env) startSandbox(t testing.TB) {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	e.payURL = "http://" + srv.Listener.Addr().String()
	var err error
	if e.Sandbox, err = sandbox.New(sandbox.Options{BaseURL: e.payURL}); err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = e.Sandbox
	srv.Start()
	t.Cleanup(func() {
		srv.Close()
		e.Sandbox.Close()
	})
}

func (e *Env) merchants(t testing.TB) {
	t.Helper()
	for _, slug := range Communes {
		key := base64.StdEncoding.EncodeToString([]byte("key of the sandbox for " + slug + "........"))
		space, err := e.SeedPayment(t.Context(), e.Tenant(t, slug), key)
		if err != nil {
			t.Fatal(err)
		}
		space.WebhookURL = e.URLOf(slug, "/hooks/pagamenti/postfinance")
		if err := e.Sandbox.AddSpace(*space); err != nil {
			t.Fatal(err)
		}
	}
}

// Tenant is a commune by its short name.
func (e *Env) Tenant(t testing.TB, slug string) tenancy.Tenant {
	t.Helper()
	c, err := e.DB.Directory().BySlug(context.Background(), slug)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// WaitForMail waits for a mail to somebody whose text holds a phrase.
func (e *Env) WaitForMail(t testing.TB, to, phrase string) mail.Received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	m, err := e.Inbox.Wait(ctx, to, func(m mail.Received) bool {
		return strings.Contains(m.Text, phrase) || strings.Contains(m.Subject, phrase)
	})
	if err != nil {
		t.Fatalf("no mail to %s says %q: %v", to, phrase, err)
	}
	return m
}

// URLOf is an address on a host of the deployment; slug "ente" is the entity's.
func (e *Env) URLOf(slug, path string) string {
	return fmt.Sprintf("http://%s.localhost:%s%s", slug, e.Port, path)
}

func settings(t testing.TB, ownerURL string, more ...string) config.Config {
	t.Helper()
	cfg, err := config.Load(append([]string{
		"SPORTELLO_DEMO=true", "SPORTELLO_DATABASE_URL=" + tenancytest.RuntimeURL(t, ownerURL), "SPORTELLO_OWNER_DATABASE_URL=" + ownerURL,
		"SPORTELLO_REDIS_URL=redis://127.0.0.1:1", "SPORTELLO_BLOB_URL=mem://",
		"SPORTELLO_MASTER_KEY=" + base64.StdEncoding.EncodeToString(tenancytest.MasterKey),
	}, more...))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// fill opens the two communes with their people; it runs once per state of the
// source.
func fill(t testing.TB, ownerURL string) error {
	ctx := context.Background()
	cfg := settings(t, ownerURL, "SPORTELLO_DATA="+t.TempDir())
	owner, err := app.Owner(cfg)
	if err != nil {
		return err
	}
	if err := owner.MigratePlatform(ctx, nil); err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return err
	}
	defer a.Close()
	opener, err := a.Opener()
	if err != nil {
		return err
	}
	for _, slug := range Communes {
		if err := opener.ApplyFolder(ctx, a.TenantsFS, slug, false, func(string) {}); err != nil {
			return fmt.Errorf("%s: %w", slug, err)
		}
	}
	return a.SeedEntity(ctx)
}

// sourceHash changes with anything a filled database may depend on.
func sourceHash(t testing.TB) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		if root == filepath.Dir(root) {
			t.Fatal("no go.mod above the test")
		}
		root = filepath.Dir(root)
	}
	h := sha256.New()
	for _, dir := range []string{"app", "pkg", "migrations", "tenants", "configs"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(p, "_test.go") {
				return err
			}
			switch filepath.Ext(p) {
			case ".go", ".sql", ".yaml", ".csv", ".conf", ".svg":
				b, err := os.ReadFile(p)
				h.Write([]byte(p))
				h.Write(b)
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
