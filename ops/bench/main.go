package main

import (
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
		flag.StringVar(&s.only, "only", "", "one scenario by name")
		flag.IntVar(&s.clients, "c", 16, "clients at once")
		flag.DurationVar(&s.duration, "d", 10*time.Second, "time per measurement")
		flag.Parse()
		err = run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
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
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "page\tper second\tp50\tp95\tp99\tfailed\tfloor: gin+pgx\tshare\tfloor: pgbench\tstatements\tbytes\ttarget")
	for _, sc := range scenarios {
		if s.only != "" && s.only != sc.name {
			continue
		}
		if err := measure(ctx, t, s, sc, base, pg, rec); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", sc.name, err), t.Flush()) // what is measured is shown
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
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
	got, err := load(ctx, s.clients, s.duration, http.StatusOK, ask)
	if err != nil {
		return err
	}
	database := pg.URL(devstack.Admin, devstack.Database)
	url, stop, err := startFloor(ctx, floorPlan{
		URL: database, PoolSize: 8, ContentType: contentType, Body: body, Transactions: statements,
	})
	if err != nil {
		return err
	}
	floor, err := load(ctx, s.clients, s.duration, http.StatusOK, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	})
	stop()
	if err != nil {
		return err
	}
	bench := "–"
	n := 0
	for _, t := range statements {
		n += len(t)
	}
	if program := findPgbench(); program != "" && n > 0 {
		tps, err := pgbench(ctx, program, database, statements, s.clients, s.duration)
		if err != nil {
			return err
		}
		bench = fmt.Sprintf("%.0f", tps)
	}
	round := func(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
	_, err = fmt.Fprintf(out, "%s\t%.0f\t%s\t%s\t%s\t%d\t%.0f\t%.2f\t%s\t%d\t%d\t%.2f\n", sc.name, got.PerSecond, round(got.P50), round(got.P95),
		round(got.P99), got.Failed, floor.PerSecond, got.PerSecond/floor.PerSecond, bench, n, len(body), sc.target)
	return err
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
	cmd.Env = append(os.Environ(), "SPORTELLO_DATA="+s.data, "SPORTELLO_LOG_LEVEL=warn",
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
