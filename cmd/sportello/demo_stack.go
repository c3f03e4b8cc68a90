package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance/sandbox"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/mail"
	"github.com/sportello-ticino/sportello/tenants"
)

// demoStack is what the demo runs beside its two processes: the payment
// provider's sandbox and a mail server that delivers nothing.
type demoStack struct {
	cfg     config.Config
	owner   string
	sandbox *sandbox.Server
	http    *http.Server
	inbox   *mail.Inbox
	payURL  string
	slugs   []string
}

// startDemo fills the databases and starts what is around them. Everything can
// be done again: a second start goes on with the same data.
func startDemo(ctx context.Context, cfg config.Config, log *slog.Logger, say func(string, ...any)) (*demoStack, error) {
	d := &demoStack{cfg: cfg, owner: cfg.Database.OwnerURL}
	var err error
	if d.cfg.Keys.MasterKey == "" {
		if d.cfg.Keys.MasterKey, err = keptSecret(cfg.Server.Data, "master.key"); err != nil {
			return nil, err
		}
	}
	if d.inbox, err = mail.OpenInbox("127.0.0.1:0", filepath.Join(cfg.Server.Data, "mail")); err != nil {
		return nil, err
	}
	d.cfg.Mail.SMTPAddr, d.cfg.Mail.TLS = d.inbox.Addr(), "none"
	if err := d.startSandbox(log); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	say("payment sandbox on %s, mail on %s", d.payURL, d.inbox.Addr())
	if err := d.fill(ctx, log, say); err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	return d, nil
}

// keptSecret is a random 32-byte secret made at the first start, base64.
func keptSecret(dir, name string) (string, error) {
	file := filepath.Join(dir, name)
	if b, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	s := base64.StdEncoding.EncodeToString(b)
	return s, os.WriteFile(file, []byte(s+"\n"), 0o600)
}

// startSandbox serves the payment provider's sandbox on the same port at every
// start, so that pages a browser still shows go on working.
func (d *demoStack) startSandbox(log *slog.Logger) error {
	portFile := filepath.Join(d.cfg.Server.Data, "sandbox.addr")
	addr := "127.0.0.1:0"
	if b, err := os.ReadFile(portFile); err == nil {
		addr = strings.TrimSpace(string(b))
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	if err := os.WriteFile(portFile, []byte(l.Addr().String()+"\n"), 0o600); err != nil {
		return err
	}
	d.payURL = "http://" + l.Addr().String()
	d.cfg.Payments.PostFinanceURL = d.payURL
	d.cfg.Egress.Allow = append(d.cfg.Egress.Allow, l.Addr().String())
	if d.sandbox, err = sandbox.New(sandbox.Options{BaseURL: d.payURL, File: filepath.Join(d.cfg.Server.Data, "sandbox.json"), Log: log}); err != nil {
		return err
	}
	d.http = &http.Server{Handler: d.sandbox, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := d.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("payment sandbox", "error", err.Error())
		}
	}()
	return nil
}

// merchantKeys are the sandbox's keys of the communes, made at the first start.
func (d *demoStack) merchantKeys() (map[string]string, error) {
	file := filepath.Join(d.cfg.Server.Data, "merchants.json")
	keys := map[string]string{}
	if b, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(b, &keys); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (d *demoStack) saveMerchantKeys(keys map[string]string) error {
	b, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.cfg.Server.Data, "merchants.json"), b, 0o600)
}

// fill migrates, opens the communes of tenants/ and gives them their people.
func (d *demoStack) fill(ctx context.Context, log *slog.Logger, say func(string, ...any)) error {
	owner, err := app.Owner(d.cfg)
	if err != nil {
		return err
	}
	if err := owner.MigratePlatform(ctx, nil); err != nil {
		return err
	}
	if err := owner.MigrateTenants(ctx, nil); err != nil {
		return err
	}
	a, err := app.New(ctx, d.cfg, app.Options{Log: log})
	if err != nil {
		return err
	}
	defer a.Close()
	opener, err := a.Opener()
	if err != nil {
		return err
	}
	if d.slugs, err = tenants.Communes(a.TenantsFS); err != nil {
		return err
	}
	for _, slug := range d.slugs {
		if err := opener.ApplyFolder(ctx, a.TenantsFS, slug, false, func(string) {}); err != nil {
			return fmt.Errorf("%s: %w", slug, err)
		}
		say("%s is open", slug)
	}
	if err := a.SeedEntity(ctx); err != nil {
		return err
	}
	for _, slug := range d.slugs {
		t, err := a.DB.Directory().BySlug(ctx, slug)
		if err != nil {
			return err
		}
		if err := a.SeedCases(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", slug, err)
		}
	}
	if err := a.SeedEntityDesk(ctx); err != nil {
		return err
	}
	return d.merchants(ctx, a)
}

// merchants makes every commune a merchant of the sandbox with its own key,
// communes opened later included.
func (d *demoStack) merchants(ctx context.Context, a *app.App) error {
	keys, err := d.merchantKeys()
	if err != nil {
		return err
	}
	all, err := a.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if keys[t.Slug()] == "" {
			b := make([]byte, 32)
			if _, err := rand.Read(b); err != nil {
				return err
			}
			keys[t.Slug()] = base64.StdEncoding.EncodeToString(b)
		}
		space, err := a.SeedPayment(ctx, t, keys[t.Slug()])
		if err != nil {
			return fmt.Errorf("%s: %w", t.Slug(), err)
		}
		if space == nil {
			continue // has no merchant place of its own yet
		}
		space.WebhookURL = d.cfg.Server.URL(t.Slug()+"."+d.cfg.Server.BaseDomain) + "/hooks/pagamenti/postfinance"
		if err := d.sandbox.AddSpace(*space); err != nil {
			return err
		}
	}
	return d.saveMerchantKeys(keys)
}

// Environ is what a process of the demo is told. The web process never learns
// the owner's credential.
func (d *demoStack) Environ(role string) []string {
	env := os.Environ()
	set := func(name, value string) {
		if value != "" {
			env = append(env, "SPORTELLO_"+name+"="+value)
		}
	}
	env = withoutSportello(env)
	set("DEMO", "true")
	set("ADDR", d.cfg.Server.Addr)
	set("DATA", d.cfg.Server.Data)
	set("DRAIN_DELAY", "1ms") // nobody sends the demo's requests elsewhere
	set("BASE_DOMAIN", d.cfg.Server.BaseDomain)
	set("DATABASE_URL", d.cfg.Database.URL)
	set("DATABASE_CLUSTERS", d.cfg.Database.Clusters)
	set("REDIS_URL", d.cfg.Redis.URL)
	set("MASTER_KEY", d.cfg.Keys.MasterKey)
	set("SMTP_ADDR", d.cfg.Mail.SMTPAddr)
	set("SMTP_TLS", d.cfg.Mail.TLS)
	set("POSTFINANCE_URL", d.cfg.Payments.PostFinanceURL)
	set("EGRESS_ALLOW", strings.Join(d.cfg.Egress.Allow, ","))
	set("DOMAINS_RESOLVER", d.cfg.Domains.Resolver)
	set("DOMAINS_ADDRESSES", strings.Join(d.cfg.Domains.Addresses, ","))
	set("TENANTS_DIR", d.cfg.Tenants.Dir)
	set("CLAMD_ADDR", d.cfg.Scanner.ClamdAddr)
	set("OPS_ADDR", d.cfg.Server.OpsAddr)
	if role == "worker" {
		set("OWNER_DATABASE_URL", d.owner)
		set("OWNER_DATABASE_CLUSTERS", d.cfg.Database.OwnerClusters)
		set("OPS_ADDR", "127.0.0.1:0")
	}
	return env
}

func withoutSportello(env []string) []string {
	out := env[:0:0]
	for _, e := range env {
		if !strings.HasPrefix(e, "SPORTELLO_") {
			out = append(out, e)
		}
	}
	return out
}

// Stop ends what startDemo started.
func (d *demoStack) Stop() error {
	var errs []error
	if d.http != nil {
		errs = append(errs, d.http.Close())
	}
	if d.sandbox != nil {
		d.sandbox.Close()
	}
	if d.inbox != nil {
		errs = append(errs, d.inbox.Close())
	}
	return errors.Join(errs...)
}

// Welcome is what stands on the terminal when all is up.
func (d *demoStack) Welcome() string {
	var b strings.Builder
	base := d.cfg.Server.BaseDomain
	fmt.Fprintf(&b, "Choose a commune   %s/\n", d.cfg.Server.URL(base))
	for _, slug := range d.slugs {
		fmt.Fprintf(&b, "%-18s %s/\n", slug, d.cfg.Server.URL(slug+"."+base))
	}
	fmt.Fprintf(&b, "Shared IT entity   %s/\n\n", d.cfg.Server.URL("ente."+base))
	fmt.Fprintf(&b, "Become anybody     %s/dev/personas   (and the same on every host)\n", d.cfg.Server.URL(d.slugs[0]+"."+base))
	fmt.Fprintf(&b, "Mail of the demo   %s/dev/posta\n", d.cfg.Server.URL(d.slugs[0]+"."+base))
	fmt.Fprintf(&b, "Metrics            http://%s/metrics\n", d.cfg.Server.OpsAddr)
	fmt.Fprintf(&b, "Logs               %s and worker.log\n\nCtrl-C stops everything.\n", filepath.Join(d.cfg.Server.Data, "serve.log"))
	return b.String()
}
