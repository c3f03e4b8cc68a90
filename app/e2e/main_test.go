// Package e2e lives the product as people do: the real program, started with
// `sportello demo`, and a real Chromium in which somebody reads, types and
// presses. Nothing here looks behind the pages but the tests that kill a
// process.
//
// One demo and one browser serve all tests; each test uses people, communes
// and services of its own. Every page that is met is also looked at by axe and
// by a ruler, at 320 and 1280 pixels, the first time it is met (page_test.go).
//
// SPORTELLO_E2E_SHOTS=/tmp/x keeps a picture of every page at both widths.
package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sportello-ticino/sportello/pkg/devstack"
	"github.com/sportello-ticino/sportello/pkg/dnstest"
)

// running is the demo that all tests share.
type running struct {
	dir     string // SPORTELLO_DATA
	binary  string
	addr    string // of the desk, host:port
	pay     string // address of the payment provider's sandbox
	cmd     *exec.Cmd
	ended   chan error
	browser context.Context
	dns     *dnstest.Server // proves communes' own domains
}

var demo running

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "sportello-e2e-")
	if err != nil {
		return 1, err
	}
	// The database runs as another user when we are root.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	demo.dir, demo.binary = filepath.Join(dir, "data"), filepath.Join(dir, "sportello")
	defer func() {
		if code != 0 || err != nil {
			for _, name := range []string{"demo.log", "serve.log", "worker.log"} {
				fmt.Fprintf(os.Stderr, "── end of %s\n%s\n", name, tail(filepath.Join(demo.dir, name)))
			}
		}
		if stopped := demo.stop(); stopped != nil && err == nil {
			err = stopped
		}
		_ = os.RemoveAll(dir)
	}()
	if err := demo.start(); err != nil {
		return 1, err
	}
	stop, err := demo.openBrowser()
	if err != nil {
		return 1, err
	}
	defer stop()
	return m.Run(), nil
}

var sandboxAt = regexp.MustCompile(`payment sandbox on (http://\S+),`)

// start builds the program, runs the demo on ports of its own, and waits until
// it says that it is ready.
func (d *running) start() error {
	build := exec.Command("go", "build", "-o", d.binary, "../../cmd/sportello")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		return err
	}
	var err error
	if d.addr, err = freeAddr(); err != nil {
		return err
	}
	ops, err := freeAddr()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(d.dir, "demo.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	out, said, err := os.Pipe()
	if err != nil {
		return err
	}
	if d.dns, err = dnstest.Listen("127.0.0.1:0"); err != nil {
		return err
	}
	d.cmd = exec.Command(d.binary, "demo")
	d.cmd.Env = d.environ("SPORTELLO_ADDR="+d.addr, "SPORTELLO_OPS_ADDR="+ops, "SPORTELLO_DOMAINS_RESOLVER="+d.dns.Addr)
	d.cmd.Stdout, d.cmd.Stderr = said, log
	if err := launch(d.cmd); err != nil {
		return err
	}
	_ = said.Close()
	d.ended = make(chan error, 1)
	go func() { d.ended <- d.cmd.Wait() }()
	ready := make(chan string, 1)
	go listen(out, ready)
	select {
	case d.pay = <-ready:
		return nil
	case err := <-d.ended:
		d.ended <- err
		return fmt.Errorf("the demo ended before it was ready: %w", err)
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("the demo was not ready within two minutes")
	}
}

// listen reads what the demo says; once it is ready it tells where the payment
// sandbox is. It goes on reading so that the demo never waits for a reader.
func listen(out io.ReadCloser, ready chan<- string) {
	defer out.Close()
	pay, lines := "", bufio.NewScanner(out)
	for lines.Scan() {
		if m := sandboxAt.FindStringSubmatch(lines.Text()); m != nil {
			pay = m[1]
		}
		if strings.HasSuffix(lines.Text(), "  ready") {
			ready <- pay
		}
	}
}

// environ is ours without the settings of a deployment, and the demo's folder.
func (d *running) environ(more ...string) []string {
	env := []string{"SPORTELLO_DATA=" + d.dir}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "SPORTELLO_") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// stop ends the demo as Ctrl-C would; what does not end is killed.
func (d *running) stop() error {
	if d.cmd == nil || d.cmd.Process == nil {
		return nil
	}
	_ = d.cmd.Process.Signal(os.Interrupt)
	select {
	case <-d.ended:
	case <-time.After(40 * time.Second):
		_ = d.cmd.Process.Kill()
		for _, name := range []string{"serve", "worker"} {
			if pid, err := d.pid(name); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		<-d.ended
	}
	return devstack.Forget(context.Background(), d.dir)
}

// pid is the process of the demo that serves ("serve") or works ("worker").
func (d *running) pid(name string) (pid int, err error) {
	b, err := os.ReadFile(filepath.Join(d.dir, name+".pid"))
	if err == nil {
		_, err = fmt.Sscan(string(b), &pid)
	}
	return pid, err
}

// url is a page of a host: of a commune, of "ente", or of "" for the shared one.
func (d *running) url(host, path string) string {
	if host != "" {
		host += "."
	}
	_, port, _ := net.SplitHostPort(d.addr)
	return "http://" + host + "localhost:" + port + path
}

// openBrowser starts the one Chromium. It speaks Italian, as its users do.
func (d *running) openBrowser() (stop func(), err error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "it-CH"), chromedp.Flag("host-resolver-rules", "MAP *.mendrisio.example 127.0.0.1"), chromedp.Env("LANGUAGE=it"))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	browser, stopBrowser := chromedp.NewContext(alloc)
	stop = func() { stopBrowser(); stopAlloc() }
	if err := chromedp.Do(browser); err != nil {
		stop()
		return nil, fmt.Errorf("Chromium does not start: %w", err)
	}
	d.browser = browser
	return stop, nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func tail(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}
