// Package demo fills a deployment with invented people and lets a developer
// become any of them. It exists only under `sportello demo` and in tests:
// `serve` refuses to start with it.
//
// Its people are data (tenants/<commune>/staff.yaml and demo.yaml): visibly
// invented names, AVS numbers of one reserved block, addresses under .example.
package demo

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Person is one persona as its file writes it.
type Person struct {
	Persona   string   `yaml:"persona"`
	FirstName string   `yaml:"first_name"`
	LastName  string   `yaml:"last_name"`
	Sex       string   `yaml:"sex"`
	Born      string   `yaml:"born"`
	Email     string   `yaml:"email"`
	Level     int      `yaml:"level"`
	AVS       string   `yaml:"avs"`
	Roles     []string `yaml:"roles"`
	Offices   []string `yaml:"offices"`
}

// Name is first and last name.
func (p Person) Name() string { return p.FirstName + " " + p.LastName }

// People are the personas of one commune, or of the entity.
type People struct {
	Citizens []Person `yaml:"citizens"`
	Staff    []Person `yaml:"staff"`
	Firms    []struct {
		Name      string `yaml:"name"`
		Signatory string `yaml:"signatory"`
	} `yaml:"firms"`
}

// All lists citizens, then staff.
func (p People) All() []Person { return append(append([]Person(nil), p.Citizens...), p.Staff...) }

// Find returns a persona by its name.
func (p People) Find(persona string) (Person, bool) {
	for _, x := range p.All() {
		if x.Persona == persona {
			return x, true
		}
	}
	return Person{}, false
}

// firmOf names the firm somebody signs for.
func (p People) firmOf(persona string) string {
	for _, f := range p.Firms {
		if f.Signatory == persona {
			return f.Name
		}
	}
	return ""
}

// Read reads the people of a folder; files that are missing hold nobody.
func Read(fsys fs.FS, dir string) (People, error) {
	var all People
	for _, name := range []string{"staff.yaml", "demo.yaml"} {
		raw, err := fs.ReadFile(fsys, path.Join(dir, name))
		if err != nil {
			continue
		}
		if err := yaml.Unmarshal(raw, &all); err != nil {
			return all, fmt.Errorf("%s/%s: %w", dir, name, err)
		}
	}
	return all, nil
}

// Password is what every persona signs in with, should somebody want to try
// the sign-in page.
const Password = "sportello-demo-2026"

// SeedPeople creates the accounts of a commune's personas; run again it
// changes nothing.
func SeedPeople(ctx context.Context, db *tenancy.DB, id *identity.Service, t tenancy.Tenant, people People, now time.Time) error {
	hash, err := id.HashPassword(ctx, Password)
	if err != nil {
		return err
	}
	return db.In(ctx, t, func(tx *tenancy.Tx) error {
		for _, p := range people.All() {
			a, err := identity.AccountByEmail(tx, p.Email)
			if err != nil {
				return err
			}
			if a != nil {
				continue
			}
			a = &identity.Account{ID: uuid.Must(uuid.NewV7()), Email: p.Email, PasswordHash: hash, FirstName: p.FirstName, LastName: p.LastName,
				Firm: people.firmOf(p.Persona), Level: max(p.Level, identity.LevelSelfDeclared), Lang: "it", ConfirmedAt: &now, CreatedAt: now}
			if p.AVS != "" {
				avs, err := swiss.ParseAVS(p.AVS)
				if err != nil {
					return fmt.Errorf("%s: %w", p.Email, err)
				}
				s := avs.String()
				a.AVS = &s
			}
			if err := identity.SaveAccount(tx, a); err != nil {
				return err
			}
			offices := p.Offices
			if len(offices) == 0 {
				offices = []string{""}
			}
			for _, role := range p.Roles {
				for _, office := range offices {
					if err := identity.Hold(tx, a.ID, role, office); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

// SeedStaff creates the entity's personas with a second factor; the secret is
// made here and shown nowhere: a persona signs in without it, and the sign-in
// page is tried with a member of one's own.
func SeedStaff(ctx context.Context, staff *identity.Staff, people People, secret func() (string, error)) error {
	for _, p := range people.Staff {
		known, err := staff.Find(ctx, strings.ToLower(p.Email))
		if err != nil {
			return err
		}
		if known != nil {
			continue
		}
		key, err := secret()
		if err != nil {
			return err
		}
		if _, err := staff.Create(ctx, p.Name(), p.Email, Password, key, p.Roles); err != nil {
			return err
		}
	}
	return nil
}
