// Package local keeps each commune's seal as a PKCS#12 file in the commune's
// own schema, under a random password that is sealed with the commune's key. The
// key is in memory only while the process runs, and only where papers are
// issued.
//
// A commune enters the file it bought (Import). Where Generate is set, which is
// for demonstration and tests, a commune without a seal gets a self-signed one
// at first use.
package local

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/documents"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/seal"
)

// topic is what a change of the seal bumps.
const topic = "seal"

// demoValidity is how long a generated seal is valid.
const demoValidity = 2 * 365 * 24 * time.Hour

// ErrFile means that a PKCS#12 file cannot be used: wrong password, no key,
// expired certificate.
var ErrFile = problem.Invalid("documents.seal-file", "documents.error.seal-file")

// Options configure the provider.
type Options struct {
	DB    *tenancy.DB
	Clock clock.Clock
	// Generate makes a self-signed seal where there is none: demonstration and
	// tests only. Subject says whose name it carries.
	Generate bool
	Subject  func(ctx context.Context, t tenancy.Tenant) (pkix.Name, error)
}

// Seals implements documents.Seals.
type Seals struct {
	Options
	cached *tenancy.Cached[*seal.Local]
}

// New makes the provider.
func New(o Options) *Seals {
	s := &Seals{Options: o}
	s.cached = tenancy.NewCached(o.DB, topic, s.load)
	return s
}

// Signer answers the commune's seal. Errors: documents.ErrNoSeal.
func (s *Seals) Signer(ctx context.Context, t tenancy.Tenant) (seal.Signer, error) {
	local, err := s.cached.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	if local != nil {
		return local, nil
	}
	if !s.Generate {
		return nil, documents.ErrNoSeal
	}
	return s.generate(ctx, t)
}

func place(t tenancy.Tenant) string { return "seal/" + t.Slug() }

// load reads the seal in use; nil when there is none.
func (s *Seals) load(tx *tenancy.Tx) (*seal.Local, error) {
	var file, sealed []byte
	err := tx.QueryRow("select pkcs12, password from seal_keys where in_use").Scan(&file, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no seal is an ordinary state of a new commune
	}
	if err != nil {
		return nil, err
	}
	k, err := tx.Keys()
	if err != nil {
		return nil, fmt.Errorf("local seal of %s: %w", tx.Tenant().Slug(), err)
	}
	password, err := k.Open(sealed, place(tx.Tenant()))
	if err != nil {
		return nil, fmt.Errorf("local seal of %s: %w", tx.Tenant().Slug(), err)
	}
	return seal.OpenPKCS12(file, string(password))
}

// generate makes a seal, once however many processes ask at the same time.
func (s *Seals) generate(ctx context.Context, t tenancy.Tenant) (seal.Signer, error) {
	name := pkix.Name{CommonName: t.Name(), Country: []string{"CH"}}
	if s.Subject != nil {
		var err error
		if name, err = s.Subject(ctx, t); err != nil {
			return nil, err
		}
	}
	var local *seal.Local
	err := s.DB.In(ctx, t, func(tx *tenancy.Tx) (err error) {
		if _, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended($1, 0))", place(t)); err != nil {
			return err
		}
		if local, err = s.load(tx); err != nil || local != nil {
			return err
		}
		if local, err = seal.Generate(name, s.Clock.Now(), demoValidity); err != nil {
			return err
		}
		return s.keep(tx, identity.System(t), local)
	})
	return local, err
}

// Import takes a PKCS#12 file into use; the one before stays known for the
// papers it sealed. Errors: ErrFile.
func (s *Seals) Import(ctx context.Context, by identity.Actor, file []byte, password string) error {
	local, err := seal.OpenPKCS12(file, password)
	if err != nil {
		return ErrFile.Wrap(err)
	}
	if cert := local.Certificate(); s.Clock.Now().After(cert.NotAfter) || s.Clock.Now().Before(cert.NotBefore) {
		return ErrFile.Wrap(fmt.Errorf("certificate valid from %s to %s", cert.NotBefore, cert.NotAfter))
	}
	return s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error { return s.keep(tx, by, local) })
}

// keep stores a seal under a new random password and takes it into use.
func (s *Seals) keep(tx *tenancy.Tx, by identity.Actor, local *seal.Local) error {
	password := rand.Text()
	file, err := local.PKCS12(password)
	if err != nil {
		return err
	}
	k, err := tx.Keys()
	if err != nil {
		return fmt.Errorf("local seal: %w", err)
	}
	sealed, err := k.Seal([]byte(password), place(tx.Tenant()))
	if err != nil {
		return fmt.Errorf("local seal: %w", err)
	}
	cert := local.Certificate()
	sum := sha256.Sum256(cert.Raw)
	fingerprint := hex.EncodeToString(sum[:])
	if _, err := tx.Exec("update seal_keys set in_use = false where in_use"); err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into seal_keys (fingerprint, pkcs12, password, subject, not_after, added_at, in_use) values ($1, $2, $3, $4, $5, $6, true)
		on conflict (fingerprint) do update set pkcs12 = excluded.pkcs12, password = excluded.password, in_use = true`,
		fingerprint, file, sealed, cert.Subject.String(), cert.NotAfter, s.Clock.Now()); err != nil {
		return err
	}
	if err := audit.Record(tx, by, "documents.seal-changed", "seal:"+fingerprint[:16], map[string]any{"subject": cert.Subject.String(), "until": cert.NotAfter}); err != nil {
		return err
	}
	return tx.Bump(topic)
}
