package app_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/sportello-ticino/sportello"

// layer says what some packages may import of this module. Patterns are folders
// from the root: * is any part of one name, a final /... is the folder and all below it.
type layer struct {
	who []string
	may []string
	why string
}

var (
	kernel = []string{"app/tenancy", "app/keys", "app/meters", "app/site", "app/identity", "app/access", "app/audit", "app/outbox", "app/web"}
	base   = []string{
		"app/catalogue", "app/contingents", "app/forms", "app/rules", "app/registers", "app/documents",
		"app/payments", "app/messages", "app/mandates", "app/notifications", "app/life",
	}
	top = []string{
		"app/home", "app/console", "app/breakglass", "app/takeover", "app/operator", "app/costs", "app/quotas", "app/bulletin", "app/support", "app/agreements", "app/domains", "app/status", "app/advice", "app/statistics", "app/opendata", "app/territory",
		"app/doctor",
	}
	data    = []string{"tenants", "migrations", "configs/..."}
	support = []string{"pkg/*test/...", "pkg/*/*test/...", "pkg/htmlcheck/...", "app/*test/...", "app/*/*test/...", "app/*/providers/*test/..."}
)

// layers is the import map: the first layer that a package matches is its own.
// A new module is one name in one of the lists above.
var layers = []layer{
	{
		who: data, may: nil,
		why: "tenants, migrations and configs are data: behaviour that differs is an option of a module",
	},
	{
		who: support, may: []string{"..."},
		why: "what only tests use may look at anything",
	},
	{
		who: []string{"pkg/..."}, may: []string{"pkg/...", "configs"},
		why: "pkg is generic: it must be usable in a program that knows no commune",
	},
	{
		who: []string{"app/*/view/..."}, may: []string{"app/ui/...", "pkg/..."},
		why: "a view shows its own page struct: if it needs more, that struct is missing a field",
	},
	{
		who: []string{"app/ui/..."}, may: []string{"app/ui/...", "pkg/..."},
		why: "layout and components know no subject",
	},
	{
		who: below(kernel), may: join(below(kernel), data, []string{"app/ui/...", "pkg/..."}),
		why: "the kernel says where, who, may they, what happened: it must not know any service",
	},
	{
		who: below(base), may: join(below(base), below(kernel), data, []string{"app/ui/...", "pkg/..."}),
		why: "base modules do not know cases or the pages above: news travels upwards as events of the outbox",
	},
	{
		who: []string{"app/cases/..."}, may: join([]string{"app/cases/..."}, below(base), below(kernel), []string{"app/ui/...", "pkg/..."}),
		why: "cases does not know who composes it: statistics, notifications and open data subscribe to its events",
	},
	{
		who: below(top), may: join(below(top), []string{"app/cases/..."}, below(base), below(kernel), data, []string{"app/ui/...", "pkg/..."}),
		why: "the top composes what is below and is composed by app alone",
	},
	{
		who: []string{"app", "app/demo/..."}, may: []string{"app/...", "pkg/...", "tenants", "migrations", "configs/..."},
		why: "the composition root knows all modules and no command",
	},
	{
		who: []string{"cmd/...", "ops/..."}, may: []string{"..."},
		why: "commands stand above everything",
	},
}

// door says that a library has one place in the product.
type door struct {
	library string // import path, with all below it
	from    []string
	why     string
}

var doors = []door{
	{"github.com/gin-gonic/gin", []string{"app/web/...", "ops/bench/..."}, "handlers are func(*web.Request) error: they can be tested and changed without the router"},
	{"github.com/jackc/pgx/v5/pgxpool", []string{"app/tenancy/...", "ops/bench/..."}, "tenancy hides the pool: a commune's data is reached through its transaction alone"},
	{"gorm.io", []string{"app/..."}, "pkg knows no tables"},
	{"github.com/hibiken/asynq", []string{"app/outbox/..."}, "a job is a row of the outbox, committed with what caused it"},
	{"github.com/casbin", []string{"app/access/..."}, "one place answers whether somebody may"},
	{"cel.dev/cel-go", []string{"app/rules/..."}, "rules run with cost limits, which only app/rules sets"},
	{"github.com/knadh/koanf", []string{"pkg/config"}, "settings are read once, typed"},
	{"gocloud.dev", []string{"pkg/blob"}, "blobs are reached through a door that carries the commune"},
	{"github.com/wneessen/go-mail", []string{"pkg/mail"}, "mails leave by one door"},
	{"github.com/emersion/go-smtp", []string{"pkg/mail/..."}, "the demo's mail server is part of pkg/mail"},
	{"codeberg.org/go-pdf/fpdf", []string{"pkg/pdf/..."}, "the writer of PDFs will change: only pkg/pdf knows it"},
	{"github.com/PuerkitoBio/goquery", []string{"pkg/htmlcheck/..."}, "pages are asserted through htmlcheck"},
	{"github.com/tink-crypto", []string{"app/keys/...", "pkg/kms/..."}, "keys of communes are made, opened and used in one place"},
	{"go.opentelemetry.io", []string{"pkg/trace/..."}, "a span holds what pkg/trace lets in: no names, no contents"},
	{"github.com/chromedp", []string{"app/*test/..."}, "a browser belongs to tests"},
}

func TestImports(t *testing.T) {
	for _, complaint := range check(t, os.DirFS("..")) {
		t.Error(complaint)
	}
}

// TestEachRuleBites breaks every rule once on a synthetic tree: a rule that
// matches nothing would be green for ever.
func TestEachRuleBites(t *testing.T) {
	for _, c := range []struct{ file, imports, why string }{
		{"tenants/tenants.go", module + "/pkg/clock", layers[0].why},
		{"migrations/m.go", module + "/app/tenancy", layers[0].why},
		{"configs/access/a.go", module + "/app/access", layers[0].why},
		{"pkg/money/m.go", module + "/app/web", layers[2].why},
		{"pkg/money/m.go", module + "/tenants", layers[2].why},
		{"app/cases/view/page.go", module + "/app/cases", layers[3].why},
		{"app/forms/view/deep/page.go", module + "/app/tenancy", layers[3].why},
		{"app/ui/button.go", module + "/app/web", layers[4].why},
		{"app/identity/i.go", module + "/app/forms", layers[5].why},
		{"app/web/w.go", module + "/app/cases", layers[5].why},
		{"app/payments/p.go", module + "/app/cases", layers[6].why},
		{"app/payments/providers/sandbox/p.go", module + "/app/home", layers[6].why},
		{"app/cases/c.go", module + "/app/statistics", layers[7].why},
		{"app/console/c.go", module + "/app", layers[8].why},
		{"app/app.go", module + "/cmd/sportello", layers[9].why},
		{"app/newsubject/n.go", module + "/pkg/clock", unknown},
		{"app/console/c.go", module + "/app/payments/providers/sandbox", rooms},
		{"app/cases/c.go", module + "/app/forms/view", rooms},
		{"app/cases/c.go", module + "/pkg/pgtest", testsOnly},
		{"app/cases/c.go", "testing", testsOnly},
		{"app/cases/c.go", "github.com/gin-gonic/gin/binding", doors[0].why},
		{"app/cases/c.go", "github.com/jackc/pgx/v5/pgxpool", doors[1].why},
		{"pkg/cache/c.go", "gorm.io/gorm", doors[2].why},
		{"app/web/c.go", "github.com/hibiken/asynq", doors[3].why},
		{"app/web/c.go", "github.com/casbin/casbin/v2", doors[4].why},
		{"app/forms/c.go", "cel.dev/cel-go/cel", doors[5].why},
		{"app/web/c.go", "github.com/knadh/koanf/v2", doors[6].why},
		{"app/documents/c.go", "gocloud.dev/blob", doors[7].why},
		{"app/notifications/c.go", "github.com/wneessen/go-mail", doors[8].why},
		{"app/notifications/c.go", "github.com/emersion/go-smtp", doors[9].why},
		{"app/documents/c.go", "codeberg.org/go-pdf/fpdf", doors[10].why},
		{"app/web/c.go", "github.com/PuerkitoBio/goquery", doors[11].why},
		{"app/web/c.go", "github.com/tink-crypto/tink-go/v2/aead", doors[12].why},
		{"app/web/c.go", "go.opentelemetry.io/otel", doors[13].why},
		{"app/web/c.go", "github.com/chromedp/chromedp", doors[14].why},
	} {
		tree := fstest.MapFS{c.file: {Data: []byte("package p\n\nimport _ " + strconv.Quote(c.imports) + "\n")}}
		got := check(t, tree)
		if len(got) != 1 || !strings.Contains(got[0], c.why) {
			t.Errorf("%s importing %s: got %q, want one complaint with %q", c.file, c.imports, got, c.why)
		}
		if strings.HasSuffix(c.imports, "/app") || c.why == unknown {
			continue
		}
		// The same in a test file is nobody's harm.
		tree = fstest.MapFS{strings.TrimSuffix(c.file, ".go") + "_test.go": tree[c.file]}
		if got := check(t, tree); len(got) != 0 {
			t.Errorf("in a test file: %q", got)
		}
	}
}

func TestAllowedImportsPass(t *testing.T) {
	for file, imports := range map[string]string{
		"app/cases/service.go":          module + "/app/payments",
		"app/cases/portal_start.go":     module + "/app/cases/view",
		"app/app.go":                    module + "/app/payments/providers/sandbox",
		"app/payments/providers/x/x.go": module + "/app/payments",
		"app/web/router.go":             "github.com/gin-gonic/gin",
		"app/home/home.go":              module + "/app/cases",
		"pkg/config/load.go":            module + "/configs",
		"cmd/sportello/main.go":         module + "/app",
	} {
		tree := fstest.MapFS{file: {Data: []byte("package p\n\nimport _ " + strconv.Quote(imports) + "\n")}}
		if got := check(t, tree); len(got) != 0 {
			t.Errorf("%s importing %s: %q", file, imports, got)
		}
	}
}

const (
	unknown   = "stands in no layer: add it to the import map in app/imports_test.go"
	rooms     = "another module is used by its root package: what lies below is its own"
	testsOnly = "belongs to tests"
)

// check parses every Go file of the tree and says what is wrong, one line each.
// It reads the files itself: an answer of the go command would come from the
// test cache and stay green.
func check(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var complaints []string
	err := fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); file != "." && (name[0] == '.' || name == "testdata" || name == "bin" || file == "ops/tools" || file == "ops/check") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		source, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		own, known := layerOf(path.Dir(file))
		if !known {
			complaints = append(complaints, fmt.Sprintf("%s %s", path.Dir(file), unknown))
			return nil
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := refusal(path.Dir(file), own, imported); why != "" {
				complaints = append(complaints, fmt.Sprintf("%s imports %s: %s", file, imported, why))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return complaints
}

func layerOf(pkg string) (layer, bool) {
	for _, l := range layers {
		if matches(l.who, pkg) {
			return l, true
		}
	}
	return layer{}, false
}

// refusal says why a package must not import another, or "".
func refusal(pkg string, own layer, imported string) string {
	// The bench and the drills start the same servers as the tests.
	helps := matches(support, pkg) || matches([]string{"ops/bench/...", "ops/chaos/..."}, pkg)
	if imported == "testing" || strings.HasPrefix(imported, "testing/") {
		if !helps {
			return testsOnly
		}
		return ""
	}
	ours, isOurs := strings.CutPrefix(imported, module+"/")
	if !isOurs {
		for _, d := range doors {
			if (imported == d.library || strings.HasPrefix(imported, d.library+"/")) && !matches(d.from, pkg) {
				return d.why
			}
		}
		return ""
	}
	switch {
	case matches(support, ours) && !helps:
		return testsOnly
	case !matches(own.may, ours):
		return own.why
	case !helps && !mayEnter(pkg, ours):
		return rooms
	}
	return ""
}

// mayEnter tells whether pkg may use a package that lies inside a module:
// its own module may, the composition root and the commands may choose providers,
// start their sandboxes and mount the pages of a kernel module that app/web itself
// imports, and the demo may show a module's page to a developer.
func mayEnter(pkg, imported string) bool {
	parts := strings.Split(imported, "/")
	if len(parts) < 3 || parts[0] != "app" || parts[1] == "ui" {
		return true
	}
	if inModule := parts[0] + "/" + parts[1]; pkg == inModule || strings.HasPrefix(pkg, inModule+"/") {
		return true
	}
	above := pkg == "app" || !strings.HasPrefix(pkg, "app/")
	return above && (parts[2] == "providers" || parts[2] == "pages") || pkg == "app/demo" && parts[2] == "view"
}

func matches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "..." {
			return true
		}
		want := strings.Split(pattern, "/")
		got := strings.Split(pkg, "/")
		if want[len(want)-1] == "..." {
			want = want[:len(want)-1]
			got = got[:min(len(got), len(want))]
		}
		return slices.EqualFunc(want, got, func(w, g string) bool {
			ok, err := path.Match(w, g)
			return ok && err == nil
		})
	})
}

// below adds what lies below each of the modules.
func below(modules []string) []string {
	var patterns []string
	for _, m := range modules {
		patterns = append(patterns, m+"/...")
	}
	return patterns
}

func join(lists ...[]string) []string { return slices.Concat(lists...) }
