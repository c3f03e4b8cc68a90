package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"text/template"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/demo"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// sampleCase is one line of tenants/shared/demo/cases.yaml.
type sampleCase struct {
	Persona string         `yaml:"persona"`
	Service string         `yaml:"service"`
	Answers map[string]any `yaml:"answers"`
	TakenBy string         `yaml:"taken_by"`
	Asked   string         `yaml:"asked"`
}

// SeedCases files the demo's sample cases in a commune that has none yet,
// through the same use cases as a person would. A service the commune does not
// offer, or answers by itself, is left out.
func (a *App) SeedCases(ctx context.Context, t tenancy.Tenant) error {
	var any bool
	if err := a.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select exists (select from cases)").Scan(&any)
	}); err != nil || any {
		return err
	}
	people, err := demo.Read(a.TenantsFS, demo.FolderOf(a.TenantsFS, t.Slug()))
	if err != nil {
		return err
	}
	samples, err := a.sampleCases(ctx, t)
	if err != nil {
		return err
	}
	for _, s := range samples {
		svc, err := a.Catalogue.Service(ctx, t, s.Service)
		if err != nil || svc.Kind == "smart" {
			continue
		}
		raw, err := json.Marshal(s.Answers)
		if err != nil {
			return err
		}
		answers, err := svc.Form.Decode(raw)
		if err != nil {
			return fmt.Errorf("sample of %s: %w", s.Service, err)
		}
		by, err := a.persona(ctx, t, people, s.Persona)
		if err != nil {
			return err
		}
		if err := a.file(ctx, t, people, by, s, answers); err != nil {
			return fmt.Errorf("sample of %s: %w", s.Service, err)
		}
	}
	return nil
}

// file begins a draft, submits it, and lets an official do what the sample says.
func (a *App) file(ctx context.Context, t tenancy.Tenant, people demo.People, by identity.Actor, s sampleCase, answers forms.Answers) error {
	id, err := a.Forms.Begin(ctx, by, s.Service, i18n.Reference)
	if err != nil {
		return err
	}
	to, err := a.Cases.Submit(ctx, by, forms.Draft{ID: id, AccountID: by.AccountID(), ServiceID: s.Service, Answers: answers, Lang: i18n.Reference})
	if err != nil || s.TakenBy == "" {
		return err
	}
	ref := strings.Split(strings.TrimPrefix(to, "/area/pratiche/"), "/")[0]
	official, err := a.persona(ctx, t, people, s.TakenBy)
	if err != nil {
		return err
	}
	if err := a.Cases.Take(ctx, official, ref, true); err != nil || s.Asked == "" {
		return err
	}
	return a.Cases.Ask(ctx, official, ref, s.Asked)
}

func (a *App) persona(ctx context.Context, t tenancy.Tenant, people demo.People, name string) (identity.Actor, error) {
	p, ok := people.Find(name)
	if !ok {
		return identity.Actor{}, fmt.Errorf("%s has no persona %q", t.Slug(), name)
	}
	var acc *identity.Account
	if err := a.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		acc, err = identity.AccountByEmail(tx, p.Email)
		return err
	}); err != nil {
		return identity.Actor{}, err
	}
	if acc == nil {
		return identity.Actor{}, fmt.Errorf("%s: persona %q has no account", t.Slug(), name)
	}
	var held []identity.Holding
	for _, role := range p.Roles {
		for _, office := range p.Offices {
			held = append(held, identity.Holding{Role: role, Office: office})
		}
	}
	return identity.Person(t, *acc, held), nil
}

// sampleCases reads the samples with days from now and places of the commune.
func (a *App) sampleCases(ctx context.Context, t tenancy.Tenant) ([]sampleCase, error) {
	raw, err := fs.ReadFile(a.TenantsFS, "shared/demo/cases.yaml")
	if err != nil {
		return nil, err
	}
	face, err := a.Sites.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	postcode := "6500"
	if len(face.Places) > 0 {
		postcode = face.Places[0].Postcode
	}
	tmpl, err := template.New("cases").Funcs(template.FuncMap{
		"day":      func(n int) string { return a.Clock.Now().In(i18n.Zurich).AddDate(0, 0, n).Format(time.DateOnly) },
		"postcode": func() string { return postcode },
		"town":     t.Name,
	}).Parse(string(raw))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, nil); err != nil {
		return nil, err
	}
	var list struct {
		Cases []sampleCase `yaml:"cases"`
	}
	err = yaml.Unmarshal(b.Bytes(), &list)
	return list.Cases, err
}
