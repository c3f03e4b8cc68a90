package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/agreements"
	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/demo"
	"github.com/sportello-ticino/sportello/app/domains"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/quotas"
	"github.com/sportello-ticino/sportello/app/support"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// entityServices builds what the entity's console stands on.
func (a *App) entityServices(roots *x509.CertPool) error {
	a.Meters = &meters.Readings{DB: a.DB, Clock: a.Clock}
	a.Costs = &costs.Service{DB: a.DB, Clock: a.Clock}
	a.Bulletin = &bulletin.Board{DB: a.DB, Clock: a.Clock}
	a.Domains = a.ownDomains(roots)
	a.Agreements = &agreements.Service{DB: a.DB, Clock: a.Clock}
	calendar, err := catalogue.ReadCalendar(a.TenantsFS, "ticino")
	if err != nil {
		return err
	}
	var head struct {
		Contact struct {
			Email string `yaml:"email"`
		} `yaml:"contact"`
	}
	raw, err := fs.ReadFile(a.TenantsFS, demo.EntityDir+"/entity.yaml")
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("entity.yaml: %w", err)
	}
	a.Support = &support.Service{DB: a.DB, Clock: a.Clock, Calendar: calendar, Mail: a.Notifications, Inbox: head.Contact.Email, CommuneURL: a.URL,
		EntityURL: func(path string) string {
			return a.Config.Server.URL(web.EntityHost+"."+a.Config.Server.BaseDomain) + path
		}}
	return nil
}

// quotas says what each commune may use; mails, files and calls ask it.
func (a *App) quotas() {
	q := a.Config.Quotas
	a.Quotas = quotas.New(quotas.Deps{DB: a.DB, Outbox: a.Outbox, Clock: a.Clock, Mail: a.Notifications, Texts: a.Texts, URL: a.URL,
		Default: map[string]int64{quotas.Storage: int64(q.StorageGB) * quotas.GB, quotas.Mails: int64(q.Mails), quotas.API: int64(q.API)}})
	a.Notifications.Allowance = a.Quotas
}

// ownDomains proves communes' own domains with the DNS and looks at their
// certificates through the guard.
func (a *App) ownDomains(roots *x509.CertPool) *domains.Module {
	cfg := a.Config
	d := domains.Deps{DB: a.DB, Outbox: a.Outbox, Mail: a.Notifications, Clock: a.Clock, URL: cfg.Server.URL, HTTPS: cfg.Server.PublicScheme == "https",
		Resolver: domains.Resolver(cfg.Domains.Resolver), Dial: a.guard.DialContext, Roots: roots}
	if cfg.Server.PublicPort != 0 {
		d.Port = strconv.Itoa(cfg.Server.PublicPort)
	}
	for _, ip := range cfg.Domains.Addresses {
		if addr, err := netip.ParseAddr(ip); err == nil { // checked by config
			d.Front = append(d.Front, addr.Unmap())
		}
	}
	return domains.New(d)
}

// Meters lists what the modules declare for the cost statement.
func Meters() ([]meters.Meter, error) {
	a, err := unconnected()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Meters.All(), nil
}

// unconnected is the product without anything to connect to: enough to list
// what it consists of.
func unconnected() (*App, error) {
	cfg, err := config.Load([]string{"SPORTELLO_DEMO=true", "SPORTELLO_DATABASE_URL=postgres://nobody@127.0.0.1:1/none", "SPORTELLO_REDIS_URL=redis://127.0.0.1:1",
		"SPORTELLO_BLOB_URL=mem://", "SPORTELLO_MASTER_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
	if err != nil {
		return nil, err
	}
	return New(context.Background(), cfg, Options{})
}
