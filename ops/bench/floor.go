package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// floorPlan is what the bare handler does; it runs in a process of its own, as
// the product does.
type floorPlan struct {
	URL          string // of the database
	Addr         string
	PoolSize     int32
	ContentType  string
	Body         []byte
	Transactions []transaction
}

const floorVariable = "SPORTELLO_BENCH_FLOOR"

// serveFloor is the process: a bare gin handler.
func serveFloor(ctx context.Context, planFile string) error {
	raw, err := os.ReadFile(planFile)
	if err != nil {
		return err
	}
	var p floorPlan
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	cfg, err := pgxpool.ParseConfig(p.URL)
	if err != nil {
		return err
	}
	cfg.MaxConns = p.PoolSize
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/*path", func(c *gin.Context) {
		for _, t := range p.Transactions {
			if err := replay(c.Request.Context(), pool, t); err != nil {
				c.String(http.StatusInternalServerError, err.Error())
				return
			}
		}
		c.Data(http.StatusOK, p.ContentType, p.Body)
	})
	srv := &http.Server{Addr: p.Addr, Handler: e, ReadHeaderTimeout: 10 * time.Second}
	return srv.ListenAndServe()
}

// replay does one transaction on one connection, statement by statement, reading
// every row.
func replay(ctx context.Context, pool *pgxpool.Pool, t transaction) error {
	return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		for _, s := range t {
			if !s.Prepared {
				if _, err := c.Conn().PgConn().Exec(ctx, s.SQL).ReadAll(); err != nil {
					return fmt.Errorf("%w in %s", err, s.SQL)
				}
				continue
			}
			rows, err := c.Query(ctx, s.SQL, s.Args...)
			if err != nil {
				return fmt.Errorf("%w in %s", err, s.SQL)
			}
			if _, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([][]byte, error) { return row.RawValues(), nil }); err != nil {
				return fmt.Errorf("%w in %s", err, s.SQL)
			}
		}
		return nil
	})
}

// startFloor starts the process and waits until it answers with the page.
func startFloor(ctx context.Context, p floorPlan) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	p.Addr = l.Addr().String()
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	file, err := os.CreateTemp("", "floor-*.json")
	if err != nil {
		return "", nil, err
	}
	if err := json.NewEncoder(file).Encode(p); err != nil {
		return "", nil, err
	}
	if err := file.Close(); err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), floorVariable+"="+file.Name())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed: that is its result
		_ = os.Remove(file.Name())
	}
	url = "http://" + p.Addr + "/"
	if err := waitFor(ctx, url); err != nil {
		stop()
		return "", nil, err
	}
	return url, stop, nil
}

var tps = regexp.MustCompile(`tps = ([0-9.]+) \(without`)

// pgbench runs the statements in PostgreSQL's own bench.
func pgbench(ctx context.Context, program, url string, list []transaction, clients int, d time.Duration) (float64, error) {
	file, err := os.CreateTemp("", "bench-*.sql")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(script(list)); err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	// The database's address goes through the environment: it holds a password.
	cmd := exec.CommandContext(ctx, program, "-n", "-M", "prepared", "-f", file.Name(),
		"-c", strconv.Itoa(min(clients, 8)), "-j", "2", "-T", strconv.Itoa(max(1, int(d.Seconds()))))
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, err
	}
	cmd.Env = append(os.Environ(), "PGHOST="+cfg.Host, "PGPORT="+strconv.Itoa(int(cfg.Port)),
		"PGUSER="+cfg.User, "PGPASSWORD="+cfg.Password, "PGDATABASE="+cfg.Database)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, lastLines(string(out), 6))
	}
	m := tps.FindStringSubmatch(string(out))
	if m == nil {
		return 0, fmt.Errorf("pgbench says no tps:\n%s", lastLines(string(out), 6))
	}
	return strconv.ParseFloat(m[1], 64)
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
