package documents_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/documents"
	"github.com/sportello-ticino/sportello/app/documents/view"
	"github.com/sportello-ticino/sportello/pkg/pdf"
)

func TestVerificationOnPages(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	issued := time.Now()
	p, err := e.Documents.Issue(context.Background(), e.Tenant(t, "lugano"), documents.Request{
		CaseID: uuid.New(), CaseRef: "LUG-2026-7K2M-4", OwnerID: uuid.New(), Office: "controllo-abitanti", Kind: "certificate",
		Title: "Certificato di domicilio", IssuedAt: issued,
		Render: func(v pdf.Verification) ([]byte, error) {
			return pdf.Certificate{Brand: pdf.Brand{Name: "Città di Lugano"}, Title: "Certificato di domicilio", Person: []pdf.Row{{Label: "Nome", Value: "Anna Esempi"}},
				Verification: v, Created: issued}.Render()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	visitor, neighbour := e.Visit(t, "lugano"), e.Visit(t, "bellinzona")
	visitor.Get("/verifica", 200).Contains("main h1", "autentico")
	page := visitor.Get("/verifica?codice="+documents.Grouped(p.Code), 200)
	page.Contains("main h1", "Il documento è autentico")
	page.Contains("main", "Certificato di domicilio")
	if text := page.Text("main"); bytes.Contains([]byte(text), []byte("Esempi")) {
		t.Error("the verdict names a person")
	}
	visitor.Get("/v/"+p.Code, 200)
	neighbour.Get("/v/"+p.Code, 404).Contains("main h1", "Non conosciamo")
	visitor.Get("/v/0000000000000000", 404)
	visitor.Get("/v/%00%ff", 404)
	visitor.Get("/verifica?codice=abc", 422).Contains("main", "16 caratteri")

	file, _, err := blobOf(e, p)
	if err != nil {
		t.Fatal(err)
	}
	upload := func(c *apptest.Client, data []byte, status int) string {
		return c.Upload("/verifica", nil, []apptest.File{{Field: view.FileName, Name: "documento.pdf", Data: data}}, status).Text("main")
	}
	changed := bytes.Clone(file)
	changed[len(changed)/3] ^= 1
	for name, c := range map[string]struct {
		client *apptest.Client
		data   []byte
		status int
		says   string
	}{
		"genuine":      {visitor, file, 200, "Il documento è autentico"},
		"changed":      {visitor, changed, 200, "Il documento non è autentico"},
		"elsewhere":    {neighbour, file, 200, "Non conosciamo questo documento"},
		"another file": {visitor, []byte("non è un PDF"), 200, "Non conosciamo questo documento"},
		"empty":        {visitor, nil, 422, "Scelga il file PDF"},
		"too large":    {visitor, make([]byte, 10<<20+1), 422, "supera 10 MB"},
	} {
		if text := upload(c.client, c.data, c.status); !bytes.Contains([]byte(text), []byte(c.says)) {
			t.Errorf("%s: page says %q", name, text)
		}
	}
	if res := visitor.Send(http.MethodGet, "/area/documenti/"+p.ID.String(), "", nil); res.StatusCode == http.StatusOK {
		t.Error("a visitor downloads somebody's paper")
	}
	e.As(t, "lugano", "citizen-verified").Get("/area/documenti/"+p.ID.String(), 404)
	if got := e.As(t, "lugano", "official").Bytes("/area/documenti/"+p.ID.String(), 200); !bytes.Equal(got, file) {
		t.Error("the official got another file")
	}
}

// blobOf reads the stored file as the clerk of its office would.
func blobOf(e *apptest.Env, p documents.Paper) ([]byte, documents.Paper, error) {
	t, err := e.DB.Directory().BySlug(context.Background(), "lugano")
	if err != nil {
		return nil, p, err
	}
	p, file, err := e.Documents.Open(context.Background(), official(t, p.Office), p.ID)
	return file, p, err
}
