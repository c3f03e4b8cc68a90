package check_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

type metric struct {
	kind   string
	labels []string
}

// What Prometheus itself and its client library add, which the product does not
// declare.
var (
	given = map[string]metric{
		"up": {"gauge", nil}, "process_resident_memory_bytes": {"gauge", nil}, "process_cpu_seconds_total": {"counter", nil},
	}
	ofTarget = []string{"job", "instance", "process"}
)

// metrics reads what the product registers; ../files_test.go keeps the file true.
func metrics(t *testing.T) map[string]metric {
	t.Helper()
	f, err := os.Open("../prometheus/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]metric{}
	for name, m := range given {
		out[name] = m
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		parts := strings.Split(lines.Text(), "\t")
		if len(parts) != 4 {
			t.Fatalf("metrics.txt: %q", lines.Text())
		}
		m := metric{parts[1], strings.Fields(parts[2])}
		if m.kind != "histogram" {
			out[parts[0]] = m
			continue
		}
		out[parts[0]+"_bucket"] = metric{"counter", append(slices.Clone(m.labels), "le")}
		out[parts[0]+"_sum"], out[parts[0]+"_count"] = metric{"counter", m.labels}, metric{"counter", m.labels}
	}
	if err := lines.Err(); err != nil || len(out) < 20 {
		t.Fatalf("%d metrics, %v", len(out), err)
	}
	return out
}

var (
	grafana = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h")
	shown   = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}`)
)

// judge says what is wrong with a query: a metric or a label that does not exist,
// a rate of what is no counter, a legend of a label that the query has dropped.
func judge(known map[string]metric, query string, texts ...string) (wrong []string) {
	p := parser.NewParser(parser.Options{})
	expr, err := p.ParseExpr(grafana.Replace(query))
	if err != nil {
		return []string{err.Error()}
	}
	has := map[string]bool{}
	for _, l := range ofTarget {
		has[l] = true
	}
	var grouped []string
	grouping := false
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			m, ok := known[n.Name]
			if !ok {
				wrong = append(wrong, n.Name+" is no metric of the product")
				return nil
			}
			for _, l := range m.labels {
				has[l] = true
			}
			for _, match := range n.LabelMatchers {
				if match.Name != labels.MetricName && !slices.Contains(m.labels, match.Name) && !slices.Contains(ofTarget, match.Name) {
					wrong = append(wrong, fmt.Sprintf("%s has no label %s", n.Name, match.Name))
				}
			}
			for _, above := range path {
				if call, ok := above.(*parser.Call); ok && slices.Contains([]string{"rate", "increase", "irate"}, call.Func.Name) && m.kind != "counter" {
					wrong = append(wrong, fmt.Sprintf("%s of %s, which is a %s", call.Func.Name, n.Name, m.kind))
				}
			}
		case *parser.AggregateExpr:
			if len(n.Grouping) > 0 || n.Op.String() == "sum" || n.Op.String() == "max" || n.Op.String() == "min" {
				grouping = true
			}
			grouped = append(grouped, n.Grouping...)
		}
		return nil
	})
	for _, l := range grouped {
		if !has[l] {
			wrong = append(wrong, "grouped by "+l+", which nothing has")
		}
	}
	for _, text := range texts {
		for _, m := range shown.FindAllStringSubmatch(text, -1) {
			if l := m[1]; !has[l] || grouping && !slices.Contains(grouped, l) {
				wrong = append(wrong, fmt.Sprintf("%q shows %s, which the query does not give", text, l))
			}
		}
	}
	return wrong
}

func TestAlertsAskForWhatExists(t *testing.T) {
	known := metrics(t)
	raw, err := os.ReadFile("../prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			for _, w := range judge(known, r.Expr, r.Annotations["summary"]) {
				t.Errorf("%s: %s", r.Alert, w)
			}
			if _, err := os.Stat(filepath.Join("../..", r.Annotations["runbook"])); err != nil || r.Annotations["runbook"] == "" {
				t.Errorf("%s: runbook %q", r.Alert, r.Annotations["runbook"])
			}
			if !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
				t.Errorf("%s: severity %q", r.Alert, r.Labels["severity"])
			}
		}
	}
	if n < 10 {
		t.Errorf("%d alerts", n)
	}
}

type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr, LegendFormat, RefID string }
}

var variable = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)

func TestDashboardsAskForWhatExists(t *testing.T) {
	known := metrics(t)
	files, err := filepath.Glob("../grafana/dashboards/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d dashboards, %v", len(files), err)
	}
	used := map[string]bool{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			UID        string
			Templating struct {
				List []struct{ Name, Type, Query string }
			}
			Panels []panel
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.UID+".json" != filepath.Base(name) {
			t.Errorf("%s is called %s inside", name, d.UID)
		}
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			m := variable.FindStringSubmatch(v.Query)
			if m == nil || !slices.Contains(known[m[1]].labels, m[2]) {
				t.Errorf("%s: variable %s asks %q", d.UID, v.Name, v.Query)
			}
		}
		ids := map[int]bool{}
		for i, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: two panels %d", d.UID, p.ID)
			}
			ids[p.ID] = true
			if p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 {
				t.Errorf("%s: %q lies beside the page", d.UID, p.Title)
			}
			for _, o := range d.Panels[:i] {
				if a, b := p.GridPos, o.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					t.Errorf("%s: %q lies over %q", d.UID, p.Title, o.Title)
				}
			}
			if p.Type != "row" && len(p.Targets) == 0 {
				t.Errorf("%s: %q shows nothing", d.UID, p.Title)
			}
			for _, target := range p.Targets {
				for _, w := range judge(known, target.Expr, target.LegendFormat) {
					t.Errorf("%s, %q: %s", d.UID, p.Title, w)
				}
				for m := range known {
					used[m] = used[m] || strings.Contains(target.Expr, m)
				}
			}
		}
	}
	for m := range known {
		if base := strings.TrimSuffix(strings.TrimSuffix(m, "_sum"), "_count"); !used[m] && !used[base+"_bucket"] {
			t.Errorf("%s is on no dashboard", m)
		}
	}
}

// TestAWrongNameIsSeen: the judge bites.
func TestAWrongNameIsSeen(t *testing.T) {
	known := metrics(t)
	for query, want := range map[string]string{
		`sum(rate(sportello_http_request_total[5m]))`:               "is no metric",
		`sum(rate(sportello_http_requests_total{comune="x"}[5m]))`:  "has no label comune",
		`sum by (office) (rate(sportello_http_requests_total[5m]))`: "grouped by office",
		`rate(sportello_outbox_waiting[5m])`:                        "is a gauge",
		`sum(rate(sportello_http_requests_total[5m])`:               "unclosed",
		`histogram_quantile(0.9, rate(sportello_http_seconds[5m]))`: "is no metric",
	} {
		if got := judge(known, query); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s gives %q, not %q", query, got, want)
		}
	}
	if got := judge(known, `sum by (commune) (sportello_outbox_waiting)`, "{{commune}} {{route}}"); len(got) != 1 {
		t.Errorf("a legend of nothing gives %q", got)
	}
}
