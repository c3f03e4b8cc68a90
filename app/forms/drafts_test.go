package forms

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
	"github.com/sportello-ticino/sportello/app/registers/registerstest"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/scan"
	"github.com/sportello-ticino/sportello/pkg/scan/clamdtest"
	"github.com/sportello-ticino/sportello/tenants"
)

// desk is one service offered everywhere.
type desk struct{ only *Offer }

func (d desk) Offer(_ context.Context, _ tenancy.Tenant, id string) (*Offer, error) {
	if id != d.only.ID {
		return nil, problem.NotFound("test.none", "none")
	}
	return d.only, nil
}

type draftBench struct {
	*tenancytest.Env
	*Module
	clock    *clock.Fake
	register *registerstest.Breakable
	anna     identity.Actor
	other    identity.Actor
	offer    *Offer
}

func newDraftBench(t *testing.T) *draftBench {
	t.Helper()
	b := &draftBench{Env: tenancytest.New(t), clock: clock.NewFake(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))}
	b.register = &registerstest.Breakable{PopulationRegister: local.Register{DB: b.Env.DB}}
	bucket, err := blob.Open(context.Background(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	b.offer = &Offer{ID: "ground", Version: 1, Hash: "h1", Title: i18n.Italian("Suolo"), Level: 1, Form: testForm(t), OnlyItalian: func(string) bool { return false }}
	b.offer.Rules = eligible(t, "!register.found || register.resident")
	b.Module = New(Deps{DB: b.Env.DB, Clock: b.clock, Services: desk{b.offer}, People: b.register, Blobs: bucket, Scanner: scan.Off{}})
	sample, err := local.ReadSample(tenants.FS, "lugano", b.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = b.Env.DB.In(context.Background(), b.Lugano, func(tx *tenancy.Tx) error {
		if _, err := local.Import(tx, sample.First, b.clock.Now(), false); err != nil {
			return err
		}
		number := string(sample.First[0].AVS)
		b.anna, err = person(tx, "anna@lugano.example", &number)
		if err != nil {
			return err
		}
		b.other, err = person(tx, "luca@lugano.example", nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func eligible(t *testing.T, condition string) *rules.Set {
	t.Helper()
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := engine.Scope(rules.Names{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := scope.Compile(rules.Definition{Eligibility: []rules.Condition{{ID: "here", Holds: condition, Reason: i18n.Italian("Non abita qui")}}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func person(tx *tenancy.Tx, email string, avs *string) (identity.Actor, error) {
	account := identity.Account{ID: uuid.New(), Email: email, FirstName: "Anna", LastName: "Esempi", AVS: avs, Level: 3, Lang: "it", CreatedAt: time.Now()}
	err := identity.SaveAccount(tx, &account)
	return identity.Person(tx.Tenant(), account, nil), err
}

func TestDraftIsResumedOnAnotherDevice(t *testing.T) {
	b, ctx := newDraftBench(t), context.Background()
	id, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil {
		t.Fatal(err)
	}
	o, err := b.open(ctx, b.anna, id)
	if err != nil || !o.Facts.Register.Resident || o.Facts.Name != "Anna Esempi" || o.Facts.Address == "" {
		t.Fatalf("%+v %v", o.Facts, err)
	}
	o.Answers, _, err = o.offer.Form.Parse(ctx, "where", whereTyped(), o.Answers, o.in)
	if err != nil {
		t.Fatal(err)
	}
	o.Step = "where"
	if err := b.save(ctx, b.anna, &o); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(48 * time.Hour)
	again, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil || again != id {
		t.Fatalf("a second draft was begun: %s %v", again, err)
	}
	o, err = b.open(ctx, b.anna, again)
	if err != nil || o.Answers["plate"] != "TI 12345" || o.Step != "where" {
		t.Errorf("%+v %v", o.Answers, err)
	}
	if _, err := b.open(ctx, b.other, id); !errors.Is(err, ErrNoDraft) {
		t.Errorf("another person opened the draft: %v", err)
	}
	if found, ok, err := b.OpenDraft(ctx, b.anna, "ground"); err != nil || !ok || found != id {
		t.Errorf("%v %v", ok, err)
	}

	// The service changed meanwhile: what fits stays.
	b.offer.Hash = "h2"
	if o, err = b.open(ctx, b.anna, id); err != nil || !o.changed || len(o.Answers) == 0 {
		t.Errorf("%v", err)
	}
	// What nobody touches for 30 days is forgotten.
	b.clock.Advance(31 * 24 * time.Hour)
	if err := b.Expire(ctx, b.Lugano); err != nil {
		t.Fatal(err)
	}
	if _, err := b.open(ctx, b.anna, id); !errors.Is(err, ErrNoDraft) {
		t.Errorf("%v", err)
	}
}

func TestWhoMayBegin(t *testing.T) {
	b, ctx := newDraftBench(t), context.Background()
	b.offer.BeginLevel = 4
	if _, err := b.Begin(ctx, b.anna, "ground", "it"); !errors.Is(err, ErrLevel) {
		t.Errorf("%v", err)
	}
	b.offer.BeginLevel = 3
	b.offer.Rules = eligible(t, "register.age > 90")
	if _, err := b.Begin(ctx, b.anna, "ground", "it"); !errors.Is(err, ErrNotEligible) {
		t.Errorf("%v", err)
	}
	b.offer.Rules = eligible(t, "!register.found || register.resident")
	b.register.Down.Store(true)
	id, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil {
		t.Fatalf("a register that is away stops nobody: %v", err)
	}
	if o, err := b.open(ctx, b.anna, id); err != nil || !o.Facts.RegisterDown || o.Facts.Register.Found {
		t.Errorf("%+v %v", o.Facts, err)
	}
	if _, err := b.Begin(ctx, b.anna, "nothing", "it"); problem.From(err).Kind != problem.KindNotFound {
		t.Errorf("%v", err)
	}
}

func sent(t *testing.T, name string, data []byte) *multipart.FileHeader {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("sketch", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	if err := r.ParseMultipartForm(32 << 20); err != nil {
		t.Fatal(err)
	}
	return r.MultipartForm.File["sketch"][0]
}

var (
	pdf = []byte("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n")
	png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00")
)

func TestUploads(t *testing.T) {
	b, ctx := newDraftBench(t), context.Background()
	id, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil {
		t.Fatal(err)
	}
	o, err := b.open(ctx, b.anna, id)
	if err != nil {
		t.Fatal(err)
	}
	sketch, _ := o.offer.Form.Field("sketch")
	for name, c := range map[string]struct {
		file string
		data []byte
		want error
	}{
		"a program called pdf": {"schizzo.pdf", []byte("MZ\x90\x00 program"), ErrFileType},
		"a page":               {"schizzo.png", []byte("<html><script>alert(1)</script></html>"), ErrFileType},
		"a drawing with code":  {"schizzo.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), ErrFileType},
		"nothing":              {"vuoto.pdf", nil, ErrFileEmpty},
		"too large":            {"grande.pdf", append(bytes.Clone(pdf), make([]byte, MaxFile)...), ErrFileTooLarge},
	} {
		err := b.attach(ctx, b.anna, &o, sketch, []*multipart.FileHeader{sent(t, c.file, c.data)})
		var told *problem.Error
		if !errors.Is(err, c.want) || !errors.As(err, &told) || told.Params["name"] != c.file {
			t.Errorf("%s: %v", name, err)
		}
	}
	files := []*multipart.FileHeader{sent(t, `C:\Temp\..\schizzo.pdf`, pdf), sent(t, "foto.PNG", png)}
	if err := b.attach(ctx, b.anna, &o, sketch, files); err != nil {
		t.Fatal(err)
	}
	if err := b.attach(ctx, b.anna, &o, sketch, files[:1]); !errors.Is(err, ErrTooManyFiles) {
		t.Errorf("a third file of two: %v", err)
	}
	if o, err = b.open(ctx, b.anna, id); err != nil || o.Files["sketch"] != 2 || o.uploads[0].Name != "schizzo.pdf" || o.uploads[1].ContentType != "image/png" {
		t.Fatalf("%+v %v", o.uploads, err)
	}
	data, err := b.Open(ctx, b.Lugano, o.uploads[0])
	if err != nil || !bytes.Equal(data, pdf) {
		t.Errorf("%q %v", data, err)
	}
	if _, err := b.detach(ctx, b.anna, &o, o.uploads[1].ID); err != nil || o.Files["sketch"] != 1 {
		t.Errorf("%v %v", o.Files, err)
	}

	// The draft becomes a case: its files are the case's, once.
	caseID := uuid.New()
	submit := func() error {
		return b.Env.DB.In(ctx, b.Lugano, func(tx *tenancy.Tx) error { return b.Submitted(tx, id, caseID) })
	}
	if err := submit(); err != nil {
		t.Fatal(err)
	}
	if err := submit(); !errors.Is(err, ErrNoDraft) {
		t.Errorf("submitted twice: %v", err)
	}
	kept, err := b.Keep(ctx, b.anna, caseID, []*multipart.FileHeader{sent(t, "seguito.pdf", pdf)})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Env.DB.In(ctx, b.Lugano, func(tx *tenancy.Tx) error {
		if err := b.Attach(tx, caseID, kept); err != nil {
			return err
		}
		all, err := b.OfCase(tx, caseID)
		if len(all) != 2 || all[0].Field != "sketch" || all[1].Name != "seguito.pdf" {
			t.Errorf("%+v", all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDiscardForgetsTheFiles(t *testing.T) {
	b, ctx := newDraftBench(t), context.Background()
	id, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil {
		t.Fatal(err)
	}
	o, err := b.open(ctx, b.anna, id)
	if err != nil {
		t.Fatal(err)
	}
	sketch, _ := o.offer.Form.Field("sketch")
	if err := b.attach(ctx, b.anna, &o, sketch, []*multipart.FileHeader{sent(t, "a.pdf", pdf)}); err != nil {
		t.Fatal(err)
	}
	if err := b.Discard(ctx, b.other, id); !errors.Is(err, ErrNoDraft) {
		t.Errorf("another person's draft was discarded: %v", err)
	}
	if err := b.Discard(ctx, b.anna, id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(ctx, b.Lugano, o.uploads[0]); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the bytes are still there: %v", err)
	}
}

func TestScanner(t *testing.T) {
	b, ctx := newDraftBench(t), context.Background()
	b.Scanner = scan.New(clamdtest.Start(t), 10*time.Second)
	if _, err := b.Keep(ctx, b.anna, uuid.New(), []*multipart.FileHeader{sent(t, "virus.pdf", clamdtest.EICAR)}); !errors.Is(err, ErrFileInfected) {
		t.Errorf("%v", err)
	}
	kept, err := b.Keep(ctx, b.anna, uuid.New(), []*multipart.FileHeader{sent(t, "buono.pdf", pdf)})
	if err != nil || kept[0].Scanned != "clamd" {
		t.Errorf("%v %v", kept, err)
	}
	b.Scanner = scan.New("127.0.0.1:1", time.Second)
	if _, err := b.Keep(ctx, b.anna, uuid.New(), []*multipart.FileHeader{sent(t, "buono.pdf", pdf)}); !errors.Is(err, ErrScannerAway) {
		t.Errorf("a file was taken unseen: %v", err)
	}
}

var _ registers.PopulationRegister = (*registerstest.Breakable)(nil)
