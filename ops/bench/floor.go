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
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
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
	Status       int
	ContentType  string
	Body         []byte
	Transactions []transaction
	// Together sends each transaction in one piece instead of statement by
	// statement.
	Together bool
	// People fill the markers of the statements, one of them each request.
	People []map[string]string
	// Turns, where there are any, stand in place of Transactions: each request does
	// the next one's. The n-th of People goes with the n-th turn.
	Turns [][]transaction
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
	var turn, warm atomic.Int64
	e.Any("/*path", func(c *gin.Context) {
		list := p.Transactions
		turn := &turn
		undo := c.GetHeader(warmHeader) != ""
		if undo {
			turn = &warm
		}
		if p.People != nil && c.Request.Method != http.MethodPost {
			c.Status(http.StatusOK) // asked whether the floor is up
			return
		}
		n := int(turn.Add(1) - 1)
		if p.Turns != nil {
			list = p.Turns[n%len(p.Turns)]
		}
		if p.People != nil {
			list = filled(list, complete(p.People[n%len(p.People)]))
		}
		for _, t := range list {
			if undo {
				t = undone(t)
			}
			if err := replay(c.Request.Context(), pool, t, p.Together); err != nil {
				c.String(http.StatusInternalServerError, err.Error())
				return
			}
		}
		c.Data(p.Status, p.ContentType, p.Body)
	})
	srv := &http.Server{Addr: p.Addr, Handler: e, ReadHeaderTimeout: 10 * time.Second}
	return srv.ListenAndServe()
}

// warmHeader has the floor do everything and keep nothing: its connections learn
// the statements and the tables, as the product's have by then.
const warmHeader = "X-Warm"

// undone is a transaction that ends with a rollback instead of its commit.
func undone(t transaction) transaction {
	last := len(t) - 1
	if last < 0 || !strings.HasPrefix(strings.ToLower(t[last].SQL), "commit") {
		return t
	}
	return append(slices.Clone(t[:last]), statement{SQL: "rollback"})
}

// filled puts a person's values in place of the markers.
func filled(list []transaction, values map[string]string) []transaction {
	var pairs []string
	for _, m := range markers {
		pairs = append(pairs, m, values[m])
	}
	r := strings.NewReplacer(pairs...)
	out := make([]transaction, len(list))
	for i, t := range list {
		out[i] = slices.Clone(t)
		for j := range t {
			out[i][j].Args = slices.Clone(t[j].Args)
			for k, a := range t[j].Args {
				if text, ok := a.(string); ok {
					out[i][j].Args[k] = r.Replace(text)
				}
			}
		}
	}
	return out
}

// replay does one transaction on one connection, statement by statement or, once
// the connection knows the statements, in one piece. It reads every row.
func replay(ctx context.Context, pool *pgxpool.Pool, t transaction, together bool) error {
	return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		known, shape := c.Conn().PgConn().CustomData(), t.shape()
		if together && known[shape] != nil {
			var b pgx.Batch
			for _, s := range t {
				for part := range strings.SplitSeq(s.SQL, ";") {
					b.Queue(part, s.Args...)
				}
			}
			return c.SendBatch(ctx, &b).Close()
		}
		known[shape] = true
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

// pgbench runs the statements in PostgreSQL's own bench for a while.
func pgbench(ctx context.Context, program, url string, list []transaction, clients int, d time.Duration) (float64, error) {
	return runPgbench(ctx, program, url, script(list), clients, "-T", strconv.Itoa(max(1, int(d.Seconds()))))
}

// pgbenchEach runs them once for each of the people, who wait in a table.
func pgbenchEach(ctx context.Context, program, url string, list []transaction, people []map[string]string, clients int) (float64, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var b pgx.Batch
	for _, sql := range []string{"create schema if not exists bench", "drop table if exists bench.people", "drop sequence if exists bench.turn",
		"create table bench.people (n bigint primary key, draft text, account text, email text)", "create sequence bench.turn"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return 0, err
		}
	}
	for i, p := range people {
		b.Queue("insert into bench.people values ($1, $2, $3, $4)", i+1, p["{draft}"], p["{account}"], p["{email}"])
	}
	if err := conn.SendBatch(ctx, &b).Close(); err != nil {
		return 0, err
	}
	return runPgbench(ctx, program, url, scriptFor(list), clients, "-t", strconv.Itoa(len(people)/min(clients, 8)))
}

func runPgbench(ctx context.Context, program, url, text string, clients int, howLong ...string) (float64, error) {
	file, err := os.CreateTemp("", "bench-*.sql")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString(text); err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	// The database's address goes through the environment: it holds a password.
	cmd := exec.CommandContext(ctx, program, append([]string{"-n", "-M", "prepared", "-f", file.Name(),
		"-c", strconv.Itoa(min(clients, 8)), "-j", "2"}, howLong...)...)
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
