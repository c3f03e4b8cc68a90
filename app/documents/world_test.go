package documents_test

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/documents"
	"github.com/sportello-ticino/sportello/app/documents/providers/local"
	"github.com/sportello-ticino/sportello/app/documents/view"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/pdf"
	"github.com/sportello-ticino/sportello/tenants"
)

type world struct {
	*tenancytest.Env
	t     testing.TB
	m     *documents.Module
	seals *local.Seals
	clock *clock.Fake
	owner identity.Actor
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Env: tenancytest.New(t), t: t, clock: clock.NewFake(time.Date(2026, 3, 14, 9, 14, 0, 0, time.UTC))}
	blobs, err := blob.Open(context.Background(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = blobs.Close() })
	w.seals = local.New(local.Options{
		DB: w.DB, Clock: w.clock, Generate: true,
		Subject: func(_ context.Context, t tenancy.Tenant) (pkix.Name, error) {
			return pkix.Name{CommonName: "Comune di " + t.Name(), Organization: []string{t.Name()}, Country: []string{"CH"}}, nil
		},
	})
	w.m = documents.New(documents.Deps{
		DB: w.DB, Outbox: outbox.New(outbox.NewRegistry(), nil), Clock: w.clock, Blobs: blobs, Seals: w.seals, Sites: site.NewSites(w.DB),
		URL: func(t tenancy.Tenant, path string) string { return "http://" + t.Slug() + ".localhost:8080" + path },
		Log: slog.New(slog.DiscardHandler),
	})
	for _, c := range []tenancy.Tenant{w.Lugano, w.Chiasso} {
		folder, err := site.ReadFolder(tenants.FS, c.Slug())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.DB.In(context.Background(), c, func(tx *tenancy.Tx) error { _, err := site.Apply(tx, folder, true); return err }); err != nil {
			t.Fatal(err)
		}
	}
	w.owner = identity.Person(w.Lugano, identity.Account{ID: uuid.New()}, nil)
	return w
}

func (w *world) request(caseID uuid.UUID) documents.Request {
	until := w.clock.Now().AddDate(0, 6, 0)
	issued := w.clock.Now()
	return documents.Request{
		CaseID: caseID, CaseRef: "LUG-2026-7K2M-4", OwnerID: w.owner.AccountID(), Office: "controllo-abitanti", Kind: "certificate",
		Title: "Certificato di domicilio", IssuedAt: issued, ValidUntil: &until,
		Render: func(v pdf.Verification) ([]byte, error) {
			return pdf.Certificate{
				Brand: pdf.Brand{Name: "Città di Lugano", Colour: "#C8102E"}, Lang: "it", Title: "Certificato di domicilio",
				Person: []pdf.Row{{Label: "Nome", Value: "Anna Bernasconi"}}, PlaceDate: "Lugano, 14 marzo 2026", Verification: v, Created: issued,
			}.Render()
		},
	}
}

func (w *world) issue(caseID uuid.UUID) documents.Paper {
	w.t.Helper()
	p, err := w.m.Issue(context.Background(), w.Lugano, w.request(caseID))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) file(p documents.Paper) []byte {
	w.t.Helper()
	_, data, err := w.m.Open(context.Background(), w.owner, p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) verify(t tenancy.Tenant, code string) view.Outcome {
	w.t.Helper()
	v, err := w.m.Verify(context.Background(), t, code)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Outcome
}

func (w *world) verifyFile(t tenancy.Tenant, file []byte) view.Outcome {
	w.t.Helper()
	v, err := w.m.VerifyFile(context.Background(), t, file)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Outcome
}

func official(t tenancy.Tenant, office string) identity.Actor {
	return identity.Person(t, identity.Account{ID: uuid.New()}, []identity.Holding{{Role: "official", Office: office}})
}

func pdfsig(t testing.TB, file []byte) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "sealed.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("pdfsig", path)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("pdfsig is missing: install poppler-utils (make test does)")
	}
	return fmt.Sprint(string(out))
}
