package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/pkg/devstack"
	"github.com/sportello-ticino/sportello/pkg/disktest"
)

// diskFull takes all room on the main cluster's disk while people submit. Pages
// are read as ever, who submits is told to come back, /readyz and doctor say
// why; given room, everything goes on by itself. PostgreSQL may end when its log
// finds no room: then what watches over it, here this drill, starts it again.
func (d *drill) diskFull(ctx context.Context) error {
	if err := d.disk.TakeRoom(); err != nil {
		return err
	}
	told := until(ctx, 30*time.Second, "/readyz says that the database has no room", func() bool {
		d.takeAgain(d.disk)
		state := d.readiness(ctx)
		return strings.Contains(state, "has no room") || strings.Contains(state, `"database":"unreachable"`)
	})
	if told == nil {
		d.politely(ctx)
		if says := d.doctor(ctx); !strings.Contains(says, "disk") {
			d.errs = append(d.errs, fmt.Errorf("with a full disk doctor says %q", says))
		}
	}
	if err := d.disk.GiveRoom(); err != nil {
		return err
	}
	if told != nil {
		d.errs = append(d.errs, told)
	}
	if d.main.Gone() {
		return d.startPostgres(ctx, &d.main, "main")
	}
	return nil
}

// takeAgain takes what something else has given back meanwhile.
func (d *drill) takeAgain(disk *disktest.Disk) {
	if err := disk.TakeRoom(); err != nil {
		d.errs = append(d.errs, err)
	}
}

// politely asks for pages while nothing can be written: a page for visitors is
// there, and who sends something meets no error but "come back".
func (d *drill) politely(ctx context.Context) {
	if d.main.Gone() {
		return // as when PostgreSQL is killed
	}
	d.expect(ctx, "lugano", "/servizi", "with a full disk")
	_, port, _ := net.SplitHostPort(d.proxy.addr)
	form := strings.NewReader("email=nessuno%40esempio.ch&nome=Anna&cognome=Esempio&password=una-parola-lunga-assai&accetto=true")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.proxy.addr+"/registrati", form)
	if err != nil {
		d.errs = append(d.errs, err)
		return
	}
	req.Host = "lugano.localhost:" + port
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := (&http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return // the proxy had nobody left: not what is looked at here
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if res.StatusCode == http.StatusInternalServerError || res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
		d.errs = append(d.errs, errors.Join(fmt.Errorf("with a full disk a form answers %s: %.200s", res.Status, text(page)), err))
	}
}

// doctor is what `sportello doctor` says is wrong.
func (d *drill) doctor(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, d.binary, "doctor", "--json")
	cmd.Env = d.settings.all()
	out, _ := cmd.Output() // it fails, for something is wrong
	var report struct {
		Findings []struct{ Check, Level, Says string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return err.Error()
	}
	var says []string
	for _, f := range report.Findings {
		if f.Level == "fail" {
			says = append(says, f.Check+": "+f.Says)
		}
	}
	return strings.Join(says, "; ")
}

// filesFull takes all room where uploads and papers lie. Requests are taken;
// papers wait, and come once there is room.
func (d *drill) filesFull(ctx context.Context) error {
	if err := d.files.TakeRoom(); err != nil {
		return err
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, 300*time.Millisecond) {
		d.expect(ctx, unpaid, "/servizi", "with no room for files")
	}
	if says := d.doctor(ctx); !strings.Contains(says, "file store: the disk of") || !strings.Contains(says, "is full") {
		d.errs = append(d.errs, fmt.Errorf("with no room for files doctor says %q", says))
	}
	return d.files.GiveRoom()
}

// slowDisk makes every commit of the main cluster wait a tenth of a second before
// its log is flushed (commit_delay, the longest there is), and stops the
// checkpointer in between, so that backends must write dirty pages themselves. It
// is the nearest to a slow fsync that needs neither a kernel module nor a
// compiler; what it does not slow down is reading.
func (d *drill) slowDisk(ctx context.Context) error {
	set := func(statements ...string) error {
		conn, err := pgx.Connect(ctx, d.main.TCPURL(devstack.Admin, "postgres"))
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		for _, s := range append(statements, "select pg_reload_conf()") {
			if _, err := conn.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	pid, err := d.checkpointer(ctx)
	if err != nil {
		return err
	}
	if err := set("alter system set commit_delay = 100000", "alter system set commit_siblings = 0"); err != nil {
		return err
	}
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end) && ctx.Err() == nil; {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			return err
		}
		d.expect(ctx, "lugano", "/servizi", "with a slow disk")
		wait(ctx, 700*time.Millisecond)
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			return err
		}
		wait(ctx, 300*time.Millisecond)
	}
	return set("alter system reset commit_delay", "alter system reset commit_siblings")
}

func (d *drill) checkpointer(ctx context.Context) (pid int, err error) {
	conn, err := pgx.Connect(ctx, d.main.TCPURL(devstack.Admin, "postgres"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pid, conn.QueryRow(ctx, "select pid from pg_stat_activity where backend_type = 'checkpointer'").Scan(&pid)
}
