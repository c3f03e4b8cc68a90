package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

type settings struct {
	binary, data, commune, only string
	clients                     int
	duration                    time.Duration
	submissions, payments       int
	communes, events, scale     int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if plan := os.Getenv(floorVariable); plan != "" {
		err = serveFloor(ctx, plan)
	} else {
		var s settings
		flag.StringVar(&s.binary, "bin", "bin/sportello", "program to measure")
		flag.StringVar(&s.data, "data", ".sportello/bench", "folder of the bench's own data")
		flag.StringVar(&s.commune, "commune", "lugano", "commune whose pages are asked for")
		flag.StringVar(&s.only, "only", "", "one scenario by name (public page, home page, list of services, personal page, form page, case submission, documents, search, pooler, provisioning, events, fairness, communes)")
		flag.IntVar(&s.submissions, "submissions", 1500, "cases submitted")
		flag.IntVar(&s.payments, "payments", 40, "certificates paid")
		flag.IntVar(&s.communes, "communes", 100, "communes of the scenario with many of them")
		flag.IntVar(&s.events, "events", 1000, "events per second from outbox to handler")
		flag.IntVar(&s.scale, "scale", 0, "measure a deployment of so many communes, and nothing else")
		flag.IntVar(&s.clients, "c", 16, "clients at once")
		flag.DurationVar(&s.duration, "d", 10*time.Second, "time per measurement of a page")
		flag.Parse()
		if s.scale > 0 {
			err = scale(ctx, os.Stdout, s)
		} else {
			err = run(ctx, s)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	if err := devstack.Forget(ctx, s.data); err != nil { // every run begins with the same data
		return err
	}
	base, process, err := startDemo(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, process.stop()) }()
	pg, err := devstack.FindPostgres(ctx, s.data)
	if err != nil {
		return err
	}
	rec, err := newRecorder(ctx, pg)
	if err != nil {
		return err
	}
	w, err := openWorld(ctx, s, base, pg)
	if err != nil {
		return err
	}
	defer w.Close()
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "page\tper second\tp50\tp95\tp99\tfailed\tfloor: gin+pgx\tshare\tin one piece\tshare\tfloor: pgbench\tstatements\tbytes\ttarget")
	for _, sc := range scenarios {
		if s.only != "" && s.only != sc.name {
			continue
		}
		if err := measure(ctx, t, s, sc, base, pg, rec); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", sc.name, err), t.Flush()) // what is measured is shown
		}
	}
	var paidFor strings.Builder
	if s.only == "" || s.only == "documents" {
		if err := documents(ctx, &paidFor, s, w); err != nil {
			return errors.Join(fmt.Errorf("documents: %w", err), t.Flush())
		}
	}
	if s.only == "" || s.only == "case submission" {
		if err := submission(ctx, t, s, w, pg, rec); err != nil {
			return errors.Join(fmt.Errorf("case submission: %w", err), t.Flush())
		}
	}
	for _, sc := range []struct {
		name string
		run  func() error
	}{
		{"pooler", func() error { return pooler(ctx, &paidFor, s, w, pg) }},
		{"events", func() error { return events(ctx, &paidFor, s, w) }},
		{"fairness", func() error { return fairness(ctx, &paidFor, s, w) }},
		{"communes", func() error { return communes(ctx, &paidFor, s, w, pg, rec) }},
		{"search", func() error { return search(ctx, &paidFor, s, w) }},
		{"provisioning", func() error { return provisioning(ctx, &paidFor, w, pg) }}, // last: what it opens has no pages
	} {
		if s.only != "" && s.only != sc.name {
			continue
		}
		if err := sc.run(); err != nil {
			fmt.Print(paidFor.String())
			return errors.Join(fmt.Errorf("%s: %w", sc.name, err), t.Flush())
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Print(paidFor.String())
	return process.memory(os.Stdout)
}

func measure(ctx context.Context, out io.Writer, s settings, sc scenario, base string, pg *devstack.Postgres, rec *recorder) error {
	ask, err := sc.asker(ctx, base)
	if err != nil {
		return err
	}
	status, contentType, body, err := fetch(ctx, ask)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("the page answers %d", status)
	}
	statements, err := rec.page(ctx, func() error { _, _, _, err := fetch(ctx, ask); return err })
	if err != nil {
		return err
	}
	database := pg.URL(devstack.Admin, devstack.Database)
	plan := floorPlan{URL: database, PoolSize: 8, Status: http.StatusOK, ContentType: contentType, Body: body, Transactions: statements}
	n := 0
	for _, t := range statements {
		n += len(t)
	}
	ways := []func(context.Context) (*http.Request, error){ask}
	for _, together := range []bool{false, true} {
		if together && n == 0 {
			continue
		}
		plan.Together = together
		url, stop, err := startFloor(ctx, plan)
		if err != nil {
			return err
		}
		defer stop()
		ways = append(ways, func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		})
	}
	results, err := inTurns(ctx, s, ways)
	if err != nil {
		return err
	}
	got, floor := results[0], results[1]
	var together *figures
	if len(results) > 2 {
		together = &results[2]
	}
	bench := "–"
	if program := findPgbench(); program != "" && n > 0 {
		tps, err := pgbench(ctx, program, database, statements, s.clients, s.duration)
		if err != nil {
			return err
		}
		bench = fmt.Sprintf("%.0f", tps)
	}
	row(out, sc.name, got, floor, together, bench, statements, len(body), sc.target)
	return nil
}

// rounds is how often product and floors take turns, so that whatever else the
// machine does meets all of them alike.
const rounds = 3

// inTurns loads each of several ways for the same time and gives each its median.
func inTurns(ctx context.Context, s settings, ways []func(context.Context) (*http.Request, error)) ([]figures, error) {
	all := make([][]figures, len(ways))
	for range rounds {
		for i, ask := range ways {
			got, err := load(ctx, s.clients, s.duration/rounds, http.StatusOK, ask)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], got)
		}
	}
	out := make([]figures, len(ways))
	for i, list := range all {
		slices.SortFunc(list, func(a, b figures) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
		out[i] = list[len(list)/2]
		out[i].Failed = 0
		for _, f := range list {
			out[i].Failed += f.Failed
		}
	}
	return out, nil
}

func round(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

// row prints one line of the table; together is nil where statements need each
// other's answers or there are none.
func row(out io.Writer, name string, got, floor figures, together *figures, bench string, list []transaction, size int, target float64) {
	n := 0
	for _, t := range list {
		n += len(t)
	}
	piece, share := "–", "–"
	if together != nil {
		piece, share = fmt.Sprintf("%.0f", together.PerSecond), fmt.Sprintf("%.2f", got.PerSecond/together.PerSecond)
	}
	fmt.Fprintf(out, "%s\t%.0f\t%s\t%s\t%s\t%d\t%.0f\t%.2f\t%s\t%s\t%s\t%d\t%d\t%.2f\n", name, got.PerSecond, round(got.P50), round(got.P95),
		round(got.P99), got.Failed, floor.PerSecond, got.PerSecond/floor.PerSecond, piece, share, bench, n, size, target)
}

func fetch(ctx context.Context, ask func(context.Context) (*http.Request, error)) (int, string, []byte, error) {
	req, err := ask(ctx)
	if err != nil {
		return 0, "", nil, err
	}
	resp, err := client(1).Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("Content-Type"), body, err
}

func findPgbench() string {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// program is the demo being measured.
type program struct {
	cmd  *exec.Cmd
	data string
}

func startDemo(ctx context.Context, s settings) (base string, p *program, err error) {
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	ops, err := freePort()
	if err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(s.data, 0o755); err != nil {
		return "", nil, err
	}
	log, err := os.Create(filepath.Join(s.data, "demo.log"))
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	cmd := exec.Command(s.binary, "demo")
	cmd.Env = append(os.Environ(), "SPORTELLO_DATA="+s.data,
		"SPORTELLO_ADDR=127.0.0.1:"+strconv.Itoa(port), "SPORTELLO_OPS_ADDR=127.0.0.1:"+strconv.Itoa(ops))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	p = &program{cmd: cmd, data: s.data}
	start := time.Now()
	base = fmt.Sprintf("http://%s.localhost:%d", s.commune, port)
	if err := waitFor(ctx, base+"/"); err != nil {
		return "", nil, errors.Join(fmt.Errorf("the demo does not come up, see %s: %w", log.Name(), err), p.stop())
	}
	fmt.Printf("demo up in %s\n", time.Since(start).Round(100*time.Millisecond))
	return base, p, nil
}

func (p *program) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the demo ended with %w", err)
	}
	return nil
}

// memory prints what the web process holds after the load (Linux only).
func (p *program) memory(w io.Writer) error {
	raw, err := os.ReadFile(filepath.Join(p.data, "serve.pid"))
	if err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/" + strings.TrimSpace(string(raw)) + "/status")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "VmHWM:") {
			if _, err := fmt.Fprint(w, "web process ", line); err != nil {
				return err
			}
		}
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
