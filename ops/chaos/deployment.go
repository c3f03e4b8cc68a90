package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance/sandbox"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/devstack"
	"github.com/sportello-ticino/sportello/pkg/disktest"
	"github.com/sportello-ticino/sportello/pkg/mail"
)

// The communes of the drill. In the last one an official answers, and nobody pays
// beforehand.
var communes = []string{"lugano", "bellinzona", unpaid}

const (
	second = "nord"       // the other cluster
	away   = "bellinzona" // which lies there
	unpaid = "chiasso"
)

// diskSize is in bytes: room for what ten minutes of load write, log and all, and
// little enough to be taken quickly.
const diskSize = 1 << 30

// deployment is everything that runs.
type deployment struct {
	dir     string
	binary  string
	main    *devstack.Postgres
	north   *devstack.Postgres
	redis   *devstack.Redis
	sandbox *sandbox.Server
	inbox   *mail.Inbox
	pay     *http.Server
	proxy   *proxy
	settings
	inside  *app.App // the same product, to make people and to count
	serves  []*process
	workers []*process
	spaces  map[string]int64
	crowds  int
	disk    *disktest.Disk // of the main cluster
	files   *disktest.Disk // of uploads and papers
}

// settings are what every process is told, and the owner's beside it.
type settings struct {
	environ []string
	owner   []string
}

var quiet = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

// deploy starts servers, fills them and starts two web processes and two workers.
func deploy(ctx context.Context, dir, binary string) (d *deployment, err error) {
	d = &deployment{dir: dir, binary: binary, spaces: map[string]int64{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.stop())
			d = nil
		}
	}()
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return d, err
	}
	if d.disk, err = disktest.MountAt(filepath.Join(d.folder("main"), "postgres"), diskSize); err != nil {
		return d, err
	}
	if d.files, err = disktest.MountAt(d.folder("data"), diskSize); err != nil {
		return d, err
	}
	if d.main, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: d.folder("main"), Log: quiet}); err != nil {
		return d, err
	}
	if d.north, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: d.folder("north"), Log: quiet}); err != nil {
		return d, err
	}
	if d.redis, err = devstack.StartRedis(ctx, d.folder("main"), quiet); err != nil {
		return d, err
	}
	if d.inbox, err = mail.OpenInbox("127.0.0.1:0", d.folder("mail")); err != nil {
		return d, err
	}
	d.inbox.Keep(math.MaxInt) // each of them is looked for at the end
	payURL, err := d.startSandbox(ctx)
	if err != nil {
		return d, err
	}
	front, err := listen(ctx)
	if err != nil {
		return d, err
	}
	_, port, _ := net.SplitHostPort(front.Addr().String())
	d.settings = d.describe(payURL, port)
	if err := d.fill(ctx, port); err != nil {
		return d, err
	}
	d.proxy = startProxy(ctx, front)
	for i := range 2 {
		if err := d.startServe(ctx, fmt.Sprintf("serve-%d", i+1), binary); err != nil {
			return d, err
		}
		w, err := startProcess(ctx, "worker", "worker", binary, d.folder(fmt.Sprintf("worker-%d.log", i+1)),
			append(d.settings.all(), "SPORTELLO_OPS_ADDR=127.0.0.1:0"))
		if err != nil {
			return d, err
		}
		d.workers = append(d.workers, w)
	}
	return d, until(ctx, 90*time.Second, "two web processes are ready", func() bool { return d.proxy.ready() == 2 })
}

// startServe adds a web process and puts it behind the proxy.
func (d *deployment) startServe(ctx context.Context, name, binary string) error {
	var addrs [2]string
	for i := range addrs {
		l, err := listen(ctx)
		if err != nil {
			return err
		}
		addrs[i] = l.Addr().String()
		if err := l.Close(); err != nil {
			return err
		}
	}
	p, err := startProcess(ctx, name, "serve", binary, d.folder(name+".log"),
		append(d.environ, "SPORTELLO_ADDR="+addrs[0], "SPORTELLO_OPS_ADDR="+addrs[1], "SPORTELLO_DRAIN_DELAY="+drainDelay.String()))
	if err != nil {
		return err
	}
	d.serves = append(d.serves, p)
	d.proxy.add(ctx, addrs[0])
	return nil
}

func (d *deployment) folder(name string) string { return filepath.Join(d.dir, name) }

func listen(ctx context.Context) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
}

func (s settings) all() []string { return append(append([]string(nil), s.environ...), s.owner...) }

func (d *deployment) describe(payURL, port string) settings {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	s := settings{
		environ: []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
			"SPORTELLO_DEMO=true", "SPORTELLO_DATA=" + d.folder("data"), "SPORTELLO_PUBLIC_PORT=" + port,
			"SPORTELLO_DATABASE_URL=" + d.main.TCPURL(devstack.App, devstack.Database),
			"SPORTELLO_DATABASE_CLUSTERS=" + second + "=" + d.north.TCPURL(devstack.App, devstack.Database),
			"SPORTELLO_REDIS_URL=" + d.redis.URL(), "SPORTELLO_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key),
			"SPORTELLO_SMTP_ADDR=" + d.inbox.Addr(), "SPORTELLO_SMTP_TLS=none", "SPORTELLO_TRUSTED_PROXIES=127.0.0.0/8", "SPORTELLO_LOG_LEVEL=warn",
			"SPORTELLO_POSTFINANCE_URL=" + payURL, "SPORTELLO_EGRESS_ALLOW=" + strings.TrimPrefix(payURL, "http://"),
		},
		owner: []string{
			"SPORTELLO_OWNER_DATABASE_URL=" + d.main.TCPURL(devstack.Owner, devstack.Database),
			"SPORTELLO_OWNER_DATABASE_CLUSTERS=" + second + "=" + d.north.TCPURL(devstack.Owner, devstack.Database),
		},
	}
	return s
}

func (d *deployment) startSandbox(ctx context.Context) (string, error) {
	l, err := listen(ctx)
	if err != nil {
		return "", err
	}
	address := "http://" + l.Addr().String()
	// A notice that nobody takes is sent again soon, so that the count is not waited for.
	again := []time.Duration{200 * time.Millisecond, time.Second}
	for range 100 {
		again = append(again, 5*time.Second)
	}
	if d.sandbox, err = sandbox.New(sandbox.Options{BaseURL: address, Retries: again, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return "", err
	}
	d.pay = &http.Server{Handler: d.sandbox, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = d.pay.Serve(l) }()
	return address, nil
}

// fill opens the communes and makes each a merchant of the sandbox.
func (d *deployment) fill(ctx context.Context, port string) error {
	cfg, err := config.Load(d.settings.all())
	if err != nil {
		return err
	}
	owner, err := app.Owner(cfg)
	if err != nil {
		return err
	}
	if err := owner.MigratePlatform(ctx, nil); err != nil {
		return err
	}
	if d.inside, err = app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	opener, err := d.inside.Opener()
	if err != nil {
		return err
	}
	for _, slug := range communes {
		if slug == away {
			f, err := site.ReadFolder(d.inside.TenantsFS, slug)
			if err != nil {
				return err
			}
			f.Commune.Cluster = second
			if err := owner.Provision(ctx, f.Commune, nil); err != nil {
				return fmt.Errorf("%s: %w", slug, err)
			}
		}
		if err := opener.ApplyFolder(ctx, d.inside.TenantsFS, slug, false, func(string) {}); err != nil {
			return fmt.Errorf("%s: %w", slug, err)
		}
		t, err := d.tenant(ctx, slug)
		if err != nil {
			return err
		}
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		space, err := d.inside.SeedPayment(ctx, t, base64.StdEncoding.EncodeToString(secret))
		if err != nil {
			return err
		}
		space.WebhookURL = "http://" + slug + ".localhost:" + port + "/hooks/pagamenti/postfinance"
		d.spaces[slug] = space.ID
		if err := d.sandbox.AddSpace(*space); err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) tenant(ctx context.Context, slug string) (tenancy.Tenant, error) {
	return d.inside.DB.Directory().BySlug(ctx, slug)
}

// redisPID is the process that answers as Redis; 0 when it is inside this program.
func (d *deployment) redisPID(ctx context.Context) int {
	info, err := d.inside.Redis.Info(ctx, "server").Result()
	if err != nil || d.redis.Embedded() {
		return 0
	}
	_, rest, _ := strings.Cut(info, "process_id:")
	line, _, _ := strings.Cut(rest, "\r\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// stop ends everything that deploy started.
func (d *deployment) stop() error {
	var errs []error
	for _, p := range append(d.serves, d.workers...) {
		p.cancel()
	}
	for _, p := range append(d.serves, d.workers...) {
		p.stop()
	}
	if d.proxy != nil {
		d.proxy.close()
	}
	if d.inside != nil {
		d.inside.Close()
	}
	if d.pay != nil {
		errs = append(errs, d.pay.Close())
		d.sandbox.Close()
	}
	if d.inbox != nil {
		errs = append(errs, d.inbox.Close())
	}
	if d.redis != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		errs = append(errs, d.redis.Stop(ctx))
		cancel()
	}
	for _, pg := range []*devstack.Postgres{d.main, d.north} {
		if pg != nil {
			errs = append(errs, pg.Stop())
		}
	}
	for _, disk := range []*disktest.Disk{d.disk, d.files} {
		if disk != nil {
			errs = append(errs, disk.Unmount())
		}
	}
	return errors.Join(errs...)
}
