// Package ops_test holds the files of operation against the product: the settings
// they name exist, and metrics.txt lists what a process counts.
package ops_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/pkg/config"
)

var update = flag.Bool("update", false, "write prometheus/metrics.txt")

var settingName = regexp.MustCompile(`SPORTELLO_[A-Z0-9_]*[A-Z0-9]`)

// TestSettingsInFilesExist: a setting misspelt in the chart or the compose file
// would be ignored without a word.
func TestSettingsInFilesExist(t *testing.T) {
	known := map[string]bool{"SPORTELLO_CONFIG": true}
	for _, s := range (config.Config{}).Redacted() {
		known[s.Env] = true
	}
	seen := 0
	complain := func(name, text string) (out []string) {
		for _, env := range settingName.FindAllString(text, -1) {
			seen++
			if base := strings.TrimSuffix(env, "_FILE"); !known[base] && env != "SPORTELLO_OWNER" {
				out = append(out, name+" names "+env+", which is no setting")
			}
		}
		return out
	}
	for _, root := range []string{"helm", "compose.yaml", "compose.cluster.yaml", "Dockerfile", "grafana", "backup"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, ".go") || d.Type()&fs.ModeSymlink != 0 || filepath.Base(path) == "values.schema.json" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, c := range complain(path, string(text)) {
				t.Error(c)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 40 {
		t.Errorf("only %d names were looked at", seen)
	}
	if got := complain("x", "SPORTELLO_BASE_DOMAINE: y"); len(got) != 1 {
		t.Errorf("a misspelt name gives %q", got)
	}
}

var (
	described = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: "(.*?)"(?:, unit: "[^"]*")?, constLabels: \{[^}]*\}, variableLabels: \{([^}]*)\}\}$`)
	declared  = regexp.MustCompile(`(?:promauto|prometheus)\.New(Counter|Gauge|Histogram)(?:Vec)?\(prometheus\.\w+Opts\{\s*Name:\s*"([a-z_]+)"`)
	constant  = regexp.MustCompile(`prometheus\.MustNewConstMetric\(\w+, prometheus\.(Counter|Gauge)Value`)
	inForce   = regexp.MustCompile(`\.Gauge\("([a-z_]+)"`)
)

// TestMetricsAreListed compares prometheus/metrics.txt with what a process really
// registers; alerts and dashboards are held against that list (ops/check).
func TestMetricsAreListed(t *testing.T) {
	kinds := kindsOf(t)
	all, err := app.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, d := range all {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		if !strings.HasPrefix(m[1], "sportello_") {
			continue // of the runtime and the process: the library's
		}
		kind := kinds[m[1]]
		if kind == "" {
			t.Errorf("%s: of what kind?", m[1])
		}
		lines[fmt.Sprintf("%s\t%s\t%s\t%s", m[1], kind, strings.ReplaceAll(m[3], ",", " "), strings.ReplaceAll(m[2], `\"`, `"`))] = true
	}
	var sorted []string
	for l := range lines {
		sorted = append(sorted, l)
	}
	slices.Sort(sorted)
	got := "# Every metric of the product: name, kind, labels, meaning. Written by\n# `go test ./ops -run TestMetricsAreListed -update`.\n" + strings.Join(sorted, "\n") + "\n"
	const file = "prometheus/metrics.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is registered: run this test with -update\n%s", file, got)
	}
	if len(sorted) < 15 {
		t.Errorf("only %d metrics", len(sorted))
	}
}

// kindsOf reads from the source what a description does not tell.
func kindsOf(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir("../app", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(source), -1) {
			out[m[2]] = strings.ToLower(m[1])
		}
		for _, m := range inForce.FindAllStringSubmatch(string(source), -1) {
			out[m[1]] = "gauge"
		}
		if constant.Match(source) { // collectors: by the rule for names
			for _, m := range regexp.MustCompile(`NewDesc\("([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
				out[m[1]] = "gauge"
				if strings.HasSuffix(m[1], "_total") {
					out[m[1]] = "counter"
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
