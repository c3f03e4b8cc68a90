package app

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/demo"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// Drain makes Ready say that this process is going: a proxy that asks sends its
// requests to another one.
func (a *App) Drain() { a.draining.Store(true) }

// Draining tells that Drain was called.
func (a *App) Draining() bool { return a.draining.Load() }

// Ready checks what this process depends on: without a directory, or with a
// commune's schema older than this binary, it is not ready; without Redis, or
// without room on a disk, it is degraded. A process that is going is not ready either.
func (a *App) Ready(ctx context.Context) web.Readiness {
	if a.Draining() { // said at once, however busy the databases are
		return web.Readiness{Checks: map[string]string{"process": "going"}}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r := web.Readiness{Ready: true, Checks: map[string]string{"database": "ok", "migrations": "ok", "redis": "ok"}}
	if err := a.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("select 1")
		return err
	}); err != nil {
		r.Ready, r.Checks["database"] = false, "unreachable"
	}
	all, err := a.DB.Directory().All(ctx)
	if err != nil {
		r.Ready, r.Checks["database"] = false, "no directory"
	}
	wanted, err := tenancy.WantedVersion()
	if err != nil {
		r.Ready, r.Checks["migrations"] = false, "unreadable"
	}
	// Anybody may ask: the answer counts communes and names none.
	behind := 0
	for _, t := range all {
		if state, _ := t.State(); state == tenancy.Active && t.SchemaVersion() < wanted {
			behind++
		}
	}
	if behind > 0 {
		r.Ready, r.Checks["migrations"] = false, fmt.Sprintf("%d behind, this binary needs %d; see `sportello migrate status`", behind, wanted)
	}
	// Pages are read while nothing can be written: that is said, and no process is
	// taken away for it.
	if a.DB.NoRoom() {
		r.Degraded, r.Checks["disk"] = true, "the database has no room"
	} else if a.blobs.NoRoom() {
		r.Degraded, r.Checks["disk"] = true, "the files have no room"
	}
	// A Redis that does not answer must not make the proxy give up asking.
	quick, enough := context.WithTimeout(ctx, 500*time.Millisecond)
	defer enough()
	if err := a.Redis.Ping(quick).Err(); err != nil {
		r.Degraded, r.Checks["redis"] = true, "unreachable"
	}
	return r
}

// entityFace reads the shared entity's own name and colours.
func entityFace(fsys fs.FS) (*site.Site, error) {
	raw, err := fs.ReadFile(fsys, demo.EntityDir+"/entity.yaml")
	if err != nil {
		return nil, err
	}
	var head struct {
		Name      string   `yaml:"name"`
		Languages []string `yaml:"languages"`
	}
	if err := yaml.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("entity.yaml: %w", err)
	}
	var b site.Brand
	if raw, err = fs.ReadFile(fsys, demo.EntityDir+"/brand/theme.yaml"); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("entity's theme.yaml: %w", err)
	}
	mark, err := fs.ReadFile(fsys, demo.EntityDir+"/brand/mark.svg")
	if err != nil {
		return nil, err
	}
	if b.Name == "" {
		b.Name = head.Name
	}
	return site.NewSite(site.Profile{OfficialName: head.Name, Languages: head.Languages}, b, mark)
}

// origin is scheme and host of an address: what a form may lead to.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func mailFolder(cfg config.Config) string { return filepath.Join(cfg.Server.Data, "mail") }

// mailer lets identity send mails without knowing notifications.
type mailer struct{ *notifications.Service }

func (m mailer) SendTemplate(tx *tenancy.Tx, to, template, lang string, params map[string]string, key string) error {
	return m.Send(tx, notifications.Message{To: to, Template: template, Lang: lang, Params: params, Key: key})
}

var _ identity.Mailer = mailer{}
