package documents_test

import (
	"bytes"
	"context"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/documents"
	"github.com/sportello-ticino/sportello/app/documents/providers/local"
	"github.com/sportello-ticino/sportello/app/documents/view"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/pdf"
	"github.com/sportello-ticino/sportello/pkg/seal"
)

func TestIssuedSealedAndVerified(t *testing.T) {
	w := newWorld(t)
	p := w.issue(uuid.New())
	file := w.file(p)
	report, err := seal.Verify(file)
	if err != nil || !report.Genuine() || !strings.Contains(report.Subject, "Comune di Lugano") || report.Fingerprint != p.Fingerprint {
		t.Fatalf("%+v, %v", report, err)
	}
	if out := pdfsig(t, file); !strings.Contains(out, "Signature is Valid") {
		t.Errorf("pdfsig: %s", out)
	}
	if len(p.Code) != 16 || int64(len(file)) != p.Size {
		t.Errorf("%+v", p)
	}
	for _, typed := range []string{p.Code, documents.Grouped(p.Code), strings.ToLower(documents.Grouped(p.Code)), " " + p.Code[:8] + " " + p.Code[8:]} {
		if got := w.verify(w.Lugano, typed); got != view.Genuine {
			t.Errorf("code %q: %s", typed, got)
		}
	}
	if got := w.verifyFile(w.Lugano, file); got != view.Genuine {
		t.Errorf("file: %s", got)
	}
	// the neighbour has issued nothing of the kind
	if got := w.verify(w.Chiasso, p.Code); got != view.Unknown {
		t.Errorf("code at the neighbour's: %s", got)
	}
	if got := w.verifyFile(w.Chiasso, file); got != view.Unknown {
		t.Errorf("file at the neighbour's: %s", got)
	}
	if got := p.FileName(); got != "certificato-di-domicilio_LUG-2026-7K2M-4.pdf" {
		t.Errorf("file name %q", got)
	}
}

func TestChangedFilesAreNotGenuine(t *testing.T) {
	w := newWorld(t)
	file := w.file(w.issue(uuid.New()))
	altered := 0
	for i := 0; i < len(file); i += 97 {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		switch got := w.verifyFile(w.Lugano, changed); got {
		case view.Altered:
			altered++
		case view.Unknown: // so broken that it cannot be recognised
		default:
			t.Errorf("byte %d changed: %s", i, got)
		}
	}
	if altered < len(file)/97*9/10 {
		t.Errorf("only %d recognised as ours and altered", altered)
	}
	if got := w.verifyFile(w.Lugano, append(bytes.Clone(file), '\n')); got != view.Altered {
		t.Errorf("byte added: %s", got)
	}
	stranger, err := seal.Generate(pkix.Name{CommonName: "Comune di Lugano"}, w.clock.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := w.request(uuid.New()).Render(pdf.Verification{})
	if err != nil {
		t.Fatal(err)
	}
	forged, err := seal.Seal(context.Background(), plain, stranger, seal.Options{Name: "Città di Lugano", Time: w.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"forged seal": forged, "no seal": plain, "no PDF": []byte("GIF89a"), "empty": nil} {
		if got := w.verifyFile(w.Lugano, data); got != view.Unknown {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// One paper per case and kind, also when jobs run twice or at the same time.
func TestIssuedOnce(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	var group sync.WaitGroup
	papers := make([]documents.Paper, 6)
	for i := range papers {
		group.Go(func() {
			p, err := w.m.Issue(context.Background(), w.Lugano, w.request(id))
			if err != nil {
				t.Error(err)
			}
			papers[i] = p
		})
	}
	group.Wait()
	again := w.issue(id)
	for _, p := range papers {
		if p.SHA256 != again.SHA256 || p.Code != again.Code || p.BlobKey != again.BlobKey {
			t.Errorf("%s %s differs from %s %s", p.Code, p.SHA256, again.Code, again.SHA256)
		}
	}
	if got := w.verifyFile(w.Lugano, w.file(again)); got != view.Genuine {
		t.Errorf("file: %s", got)
	}
	var n, audits int
	if err := w.DB.Read(context.Background(), w.Lugano, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select (select count(*) from documents), (select count(*) from audit where action = 'documents.issued')").Scan(&n, &audits)
	}); err != nil || n != 1 || audits != 1 {
		t.Errorf("%d rows, %d audit lines, %v", n, audits, err)
	}
}

// A run that dies between reservation and note leaves nothing that counts, and
// the next one finishes with the same code.
func TestCrashWhileIssuing(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	broken := w.request(id)
	var code string
	broken.Render = func(v pdf.Verification) ([]byte, error) {
		code = v.Code
		return nil, errors.New("killed")
	}
	if _, err := w.m.Issue(context.Background(), w.Lugano, broken); err == nil {
		t.Fatal("issued")
	}
	if got := w.verify(w.Lugano, code); got != view.Unknown {
		t.Errorf("reserved code: %s", got)
	}
	if err := w.DB.Read(context.Background(), w.Lugano, func(tx *tenancy.Tx) error {
		list, err := w.m.OfCase(tx, id)
		if len(list) != 0 {
			t.Errorf("%d papers", len(list))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if p := w.issue(id); documents.Grouped(p.Code) != code {
		t.Errorf("code %s, reserved was %s", p.Code, code)
	}
}

func TestServedOnlyToWhoMay(t *testing.T) {
	w := newWorld(t)
	p := w.issue(uuid.New())
	ctx := context.Background()
	for name, c := range map[string]struct {
		by  identity.Actor
		may bool
	}{
		"owner":                {w.owner, true},
		"official":             {official(w.Lugano, "controllo-abitanti"), true},
		"official of all":      {official(w.Lugano, ""), true},
		"other office":         {official(w.Lugano, "polizia"), false},
		"other citizen":        {identity.Person(w.Lugano, identity.Account{ID: uuid.New()}, nil), false},
		"visitor":              {identity.Visitor(w.Lugano), false},
		"neighbour's official": {official(w.Chiasso, "controllo-abitanti"), false},
		"same id next door":    {identity.Person(w.Chiasso, identity.Account{ID: w.owner.AccountID()}, nil), false},
	} {
		_, _, err := w.m.Open(ctx, c.by, p.ID)
		if c.may != (err == nil) || (!c.may && !errors.Is(err, documents.ErrNotFound)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRevokedAndExpired(t *testing.T) {
	w := newWorld(t)
	p := w.issue(uuid.New())
	ctx := context.Background()
	clerk := official(w.Lugano, "controllo-abitanti")
	if err := w.m.Revoke(ctx, w.owner, p.ID, "non mi piace"); !errors.Is(err, documents.ErrNotFound) {
		t.Errorf("owner revokes: %v", err)
	}
	if err := w.m.Revoke(ctx, clerk, p.ID, " "); !errors.Is(err, documents.ErrReason) {
		t.Errorf("no reason: %v", err)
	}
	w.clock.Set(time.Date(2026, 9, 14, 21, 0, 0, 0, time.UTC)) // 23.00 of the last day in Ticino
	if got := w.verify(w.Lugano, p.Code); got != view.Genuine {
		t.Errorf("on the last day: %s", got)
	}
	w.clock.Advance(2 * time.Hour)
	if got := w.verify(w.Lugano, p.Code); got != view.Expired {
		t.Errorf("after the last day: %s", got)
	}
	if err := w.m.Revoke(ctx, clerk, p.ID, "Emesso per errore"); err != nil {
		t.Fatal(err)
	}
	if err := w.m.Revoke(ctx, clerk, p.ID, "Emesso per errore"); !errors.Is(err, documents.ErrRevoked) {
		t.Errorf("twice: %v", err)
	}
	if got := w.verifyFile(w.Lugano, w.file(p)); got != view.Revoked {
		t.Errorf("revoked: %s", got)
	}
}

func TestSealsAreTheCommunesOwn(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	first := w.issue(uuid.New())
	other, err := w.seals.Signer(ctx, w.Chiasso)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := w.seals.Signer(ctx, w.Lugano)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(other.(*seal.Local).Certificate().Raw, mine.(*seal.Local).Certificate().Raw) {
		t.Error("two communes share a seal")
	}
	bought, err := seal.Generate(pkix.Name{CommonName: "Sigillo regolamentato"}, w.clock.Now(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	file, err := bought.PKCS12("parola")
	if err != nil {
		t.Fatal(err)
	}
	admin := official(w.Lugano, "")
	if err := w.seals.Import(ctx, admin, file, "sbagliata"); !errors.Is(err, local.ErrFile) {
		t.Errorf("wrong password: %v", err)
	}
	if err := w.seals.Import(ctx, admin, file, "parola"); err != nil {
		t.Fatal(err)
	}
	second := w.issue(uuid.New())
	if second.Fingerprint == first.Fingerprint || !strings.Contains(second.SealedBy, "regolamentato") {
		t.Errorf("sealed by %s", second.SealedBy)
	}
	for _, p := range []documents.Paper{first, second} {
		if got := w.verifyFile(w.Lugano, w.file(p)); got != view.Genuine {
			t.Errorf("sealed by %s: %s", p.SealedBy, got)
		}
	}
}

func TestWithoutASeal(t *testing.T) {
	w := newWorld(t)
	w.seals.Generate = false
	if _, err := w.m.Issue(context.Background(), w.Lugano, w.request(uuid.New())); !errors.Is(err, documents.ErrNoSeal) {
		t.Errorf("%v", err)
	}
}

func BenchmarkIssue(b *testing.B) {
	w := newWorld(b)
	w.issue(uuid.New()) // makes the seal
	for b.Loop() {
		w.issue(uuid.New())
	}
}

func BenchmarkVerifyByCode(b *testing.B) {
	w := newWorld(b)
	p := w.issue(uuid.New())
	for b.Loop() {
		if w.verify(w.Lugano, p.Code) != view.Genuine {
			b.Fatal("not genuine")
		}
	}
}
