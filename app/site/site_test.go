package site_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/tenants"
)

func apply(t *testing.T, e *tenancytest.Env, f site.Folder, overwrite bool) []string {
	t.Helper()
	var lines []string
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) (err error) {
		lines, err = site.Apply(tx, f, overwrite)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return lines
}

// What the console changed stays when the folder comes in again, unless told
// otherwise.
func TestTheFolderNeverUndoesTheConsole(t *testing.T) {
	e := tenancytest.New(t)
	f, err := site.ReadFolder(tenants.FS, "lugano")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(apply(t, e, f, false)); n != 3 {
		t.Fatalf("%d settings taken from the folder, want 3", n)
	}
	if again := apply(t, e, f, false); len(again) != 0 {
		t.Fatalf("a second time changed %v", again)
	}
	sites := site.NewSites(e.DB)
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		return site.SaveBrand(tx, site.Brand{First: "#0B5CA8", Second: "#C8102E", Name: "Città di Lugano", Line: "Dalla console"})
	}); err != nil {
		t.Fatal(err)
	}
	f.Brand.Line = "Dalla cartella"
	if lines := apply(t, e, f, false); len(lines) != 1 || !strings.Contains(lines[0], "kept") {
		t.Fatalf("%v", lines)
	}
	face, err := sites.Get(t.Context(), e.Lugano)
	if err != nil || face.Brand.Line != "Dalla console" {
		t.Fatalf("%+v %v", face.Brand, err)
	}
	apply(t, e, f, true)
	if face, err = sites.Get(t.Context(), e.Lugano); err != nil || face.Brand.Line != "Dalla cartella" {
		t.Fatalf("with overwrite: %+v %v", face.Brand, err)
	}
	if other, err := sites.Get(t.Context(), e.Chiasso); err == nil && other.Brand.Line != "" {
		t.Fatalf("the neighbour has a brand: %+v", other.Brand)
	}
}

// A mark is a picture and nothing else.
func TestAMarkThatDoesMoreIsRefused(t *testing.T) {
	folder := func(mark string) fstest.MapFS {
		return fstest.MapFS{
			"x/tenant.yaml":      {Data: []byte("slug: prova\nname: Prova\nref_prefix: PRO\n")},
			"x/brand/theme.yaml": {Data: []byte("first: '#0B5CA8'\nsecond: '#C8102E'\nname: Prova\nline: Sportello\n")},
			"x/brand/mark.svg":   {Data: []byte(mark)},
		}
	}
	if _, err := site.ReadFolder(folder(`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`), "x"); err != nil {
		t.Fatalf("an honest mark: %v", err)
	}
	for _, mark := range []string{
		`<svg><script>alert(1)</script></svg>`, `<svg onload="alert(1)"></svg>`, "<svg\nonload\n=\"alert(1)\"></svg>", `<svg><a href="javascript:alert(1)">x</a></svg>`,
		`<svg><use href="#x"/></svg>`, `<svg><foreignObject/></svg>`, `<!DOCTYPE svg [<!ENTITY a "b">]><svg/>`, `<svg><style>@import url(x)</style></svg>`, `no picture`, `<svg>` + strings.Repeat(" ", 70<<10) + `</svg>`,
	} {
		if _, err := site.ReadFolder(folder(mark), "x"); err == nil {
			t.Errorf("%.60q was taken", mark)
		}
	}
}
