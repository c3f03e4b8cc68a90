package tenancy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/trace"
)

// Options are the limits on connections and the further clusters. The zero value
// is filled with the defaults that tenancy.md's measurements lead to.
type Options struct {
	// Clusters are further PostgreSQL clusters: name → address of the runtime
	// login there. The directory says which commune lives where.
	Clusters map[string]string
	// Pooler is what stands before the databases: "" for nothing, PoolerTransaction
	// for a pooler that gives a connection for one transaction at a time.
	Pooler string
	// PoolSize bounds the connections per login (default 8).
	PoolSize int
	// Connections bounds what this process opens to one cluster for communes
	// that have a pool of their own: many communes get smaller pools, though
	// never fewer than four connections each (default 64).
	Connections int
	// PlatformPoolSize bounds the connections to the directory (default 6).
	PlatformPoolSize int
	// AcquireTimeout is how long a request waits for a connection before it
	// is told to come back (default 2 s).
	AcquireTimeout time.Duration
	// ConnLifetime is after how long a connection is renewed, a third more or
	// less (default 45 min): a backend keeps what it learnt of every commune.
	ConnLifetime time.Duration
	// StatementTimeout, LockTimeout and IdleTimeout (in a transaction) are what
	// PostgreSQL allows (default 10 s, 2 s, 15 s).
	StatementTimeout, LockTimeout, IdleTimeout time.Duration
	// HoldTimeout is how long a write waits while its commune is read-only for
	// a moment (default 12 s).
	HoldTimeout time.Duration
}

func (o *Options) fill() {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&o.AcquireTimeout, 2*time.Second)
	set(&o.ConnLifetime, 45*time.Minute)
	set(&o.StatementTimeout, 10*time.Second)
	set(&o.LockTimeout, 2*time.Second)
	set(&o.IdleTimeout, 15*time.Second)
	set(&o.HoldTimeout, 12*time.Second)
	if o.PoolSize == 0 {
		o.PoolSize = 8
	}
	if o.Connections == 0 {
		o.Connections = 64
	}
	if o.PlatformPoolSize == 0 {
		o.PlatformPoolSize = 6
	}
}

// PoolerTransaction is PgBouncer in transaction mode: two statements in a row may
// meet two connections, so that nothing is prepared and nothing is set but for
// the transaction.
const PoolerTransaction = "transaction"

// MainCluster is the name of the cluster that holds the directory.
const MainCluster = "main"

// DB hides the connection pools. It is safe for concurrent use.
type DB struct {
	platform  *pgx.ConnConfig
	clusters  map[string]*pgx.ConnConfig
	masterKey []byte
	opt       Options
	gorm      *gorm.DB
	dir       *Directory
	book      *revisionBook
	sent      counter
	ring      KeyRing
	limits    []string     // of every transaction, behind a pooler
	full      atomic.Int64 // when a server last had no room, in Unix nanoseconds

	mu    sync.Mutex
	pools map[string]*sql.DB
	own   map[string]string        // commune → key of the pool it has alone
	turns map[string]chan struct{} // of communes that share a pool
}

// Open prepares access to the deployment's databases. url is the platform
// login's address (DML only); every commune is reached on the same server with
// its own login, whose password is derived from masterKey, so that no
// password of a commune is stored anywhere. It dials nothing yet.
func Open(url string, masterKey []byte, baseDomain string, opt Options) (*DB, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("tenancy: database address: %w", err)
	}
	if len(masterKey) > 0 && len(masterKey) < 16 {
		return nil, errors.New("tenancy: the master key needs at least 16 bytes")
	}
	opt.fill()
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: sql.OpenDB(refusingConnector{})}), &gorm.Config{
		QueryFields: true, SkipDefaultTransaction: true, DisableAutomaticPing: true,
		AllowGlobalUpdate: false, Logger: logger.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("tenancy: gorm: %w", err)
	}
	db := &DB{platform: cfg, clusters: map[string]*pgx.ConnConfig{}, masterKey: masterKey,
		opt: opt, gorm: g, pools: map[string]*sql.DB{}, turns: map[string]chan struct{}{}, own: map[string]string{},
		book: &revisionBook{at: map[string]revisionPage{}}}
	db.dir = &Directory{db: db, base: baseDomain}
	db.addCluster(MainCluster, cfg)
	for name, url := range opt.Clusters {
		cfg, err := clusterConfig(name, url)
		if err != nil {
			return nil, err
		}
		db.addCluster(name, cfg)
	}
	return db, nil
}

func clusterConfig(name, url string) (*pgx.ConnConfig, error) {
	if name == MainCluster || !identifier.MatchString(name) {
		return nil, fmt.Errorf("tenancy: a cluster cannot be called %q", name)
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("tenancy: address of cluster %s: %w", name, err)
	}
	return cfg, nil
}

// addCluster sets what no statement of this product may exceed.
func (db *DB) addCluster(name string, cfg *pgx.ConnConfig) {
	if cfg.RuntimeParams == nil {
		cfg.RuntimeParams = map[string]string{}
	}
	if db.opt.Pooler == PoolerTransaction {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
		cfg.StatementCacheCapacity, cfg.DescriptionCacheCapacity = 0, 0
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	cfg.RuntimeParams["application_name"] = "sportello"
	var limits []string
	for name, d := range map[string]time.Duration{"statement_timeout": db.opt.StatementTimeout, "lock_timeout": db.opt.LockTimeout,
		"idle_in_transaction_session_timeout": db.opt.IdleTimeout} {
		if db.opt.Pooler == PoolerTransaction { // it refuses them at the start of a session
			limits = append(limits, "set local "+name+" = "+ms(d))
		} else {
			cfg.RuntimeParams[name] = ms(d)
		}
	}
	db.limits = limits
	cfg.ConnectTimeout = 5 * time.Second
	cfg.Tracer = &db.sent
	db.clusters[name] = cfg
}

// Clusters are the names of the PostgreSQL clusters, the directory's first.
func (db *DB) Clusters() []string {
	out := []string{MainCluster}
	for name := range db.clusters {
		if name != MainCluster {
			out = append(out, name)
		}
	}
	slices.Sort(out[1:])
	return out
}

// Directory is the list of communes.
func (db *DB) Directory() *Directory { return db.dir }

// Close ends every connection.
func (db *DB) Close() {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, p := range db.pools {
		_ = p.Close()
	}
	db.pools = map[string]*sql.DB{}
}

// In runs fn in one transaction of commune t, as t's role and on t's schema.
// The transaction is committed when fn returns nil and rolled back otherwise
// (also on panic). fn may be run again from its beginning, when the commune's
// tables were changed or the commune was moved under it: it changes nothing but
// the database, or begins afresh. While the commune is read-only for a moment
// In waits. Errors: whatever fn returned; problem.Unavailable when no connection
// came free in time or the commune's database does not answer.
func (db *DB) In(ctx context.Context, t Tenant, fn func(tx *Tx) error) error {
	return db.tenantTx(ctx, t, true, fn)
}

// beginReadOnly lets all reads of a transaction see the same moment: a page does
// not say in one place that a fee is paid and in another that it is due.
const beginReadOnly = "begin isolation level repeatable read read only"

// Read is In for readers: PostgreSQL refuses every write, and all reads see the
// same moment.
func (db *DB) Read(ctx context.Context, t Tenant, fn func(tx *Tx) error) error {
	return db.tenantTx(ctx, t, false, fn)
}

func (db *DB) tenantTx(ctx context.Context, t Tenant, write bool, fn func(tx *Tx) error) error {
	what := "read"
	if write {
		what = "write"
	}
	ctx, span := trace.Inside(ctx, trace.Transaction, what, t.Slug())
	var after []func()
	err := db.where(ctx, t, write, func(e *entry) error {
		pool, err := db.tenantPool(e)
		if err != nil {
			return err
		}
		begin := e.beginReadOnly
		if write {
			begin = e.beginWrite
		}
		run := func() error {
			after = nil
			return db.transact(ctx, pool, e, begin, func(c *txConn) error {
				tx := &Tx{tenant: t, core: core{db: db, ctx: ctx, conn: c}}
				err := fn(tx)
				after = tx.after
				return err
			})
		}
		err = run()
		// While a commune is being migrated a prepared statement can meet a
		// changed table; a fresh transaction prepares it again.
		if stalePlan(err) {
			err = run()
		}
		return err
	})
	span.End(err)
	if err != nil {
		return db.told(err)
	}
	for _, f := range after {
		f()
	}
	return nil
}

// Platform runs fn in one transaction on the platform schema. Its type offers
// no way to a commune's data.
func (db *DB) Platform(ctx context.Context, fn func(tx *PlatformTx) error) error {
	return db.Node(ctx, MainCluster, fn)
}

// Node runs fn on the platform schema of one cluster. Only the main one has the
// directory; the others have the communes' outbox hints.
func (db *DB) Node(ctx context.Context, cluster string, fn func(tx *PlatformTx) error) error {
	cfg, ok := db.clusters[cluster]
	if !ok {
		return fmt.Errorf("tenancy: cluster %q is not configured", cluster)
	}
	pool := db.pool("platform/"+cluster, db.opt.PlatformPoolSize, func() *pgx.ConnConfig { return cfg })
	ctx, span := trace.Inside(ctx, trace.Transaction, "platform", "")
	err := db.transact(ctx, pool, nil, "begin; set local search_path = platform, ext", func(c *txConn) error {
		return fn(&PlatformTx{core: core{db: db, ctx: ctx, conn: c}})
	})
	span.End(err)
	return db.told(err)
}

func stalePlan(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "0A000"
}

// told makes of a server that cannot go on what a person is to read: come back in
// a moment. Errors that say so already, and all others, stay as they are.
func (db *DB) told(err error) error {
	var p *problem.Error
	if err == nil || errors.As(err, &p) {
		return err
	}
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == "53100": // disk_full
		db.full.Store(time.Now().UnixNano())
		return problem.Unavailable("tenancy.no-room", "errors.503.text").WithRetry(time.Minute).Wrap(err)
	case errors.As(err, &pg) && strings.HasPrefix(pg.Code, "57P0"), // it stops, crashed or is starting
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errAway(err)
	}
	return err
}

// fullFor is how long a server is believed to have no room after it said so.
const fullFor = 30 * time.Second

// NoRoom tells that a PostgreSQL server refused a write for want of room within
// the last half minute. Reading goes on meanwhile.
func (db *DB) NoRoom() bool {
	at := db.full.Load()
	return at != 0 && time.Since(time.Unix(0, at)) < fullFor
}

// errAway is what a person reads when the commune's database does not answer.
func errAway(cause error) error {
	return problem.Unavailable("tenancy.away", "errors.503.text").WithRetry(10 * time.Second).Wrap(cause)
}

// errBusy is what a person reads when the commune's connections are all taken.
func errBusy(cause error) error {
	return problem.Unavailable("tenancy.busy", "error.busy").Wrap(cause)
}
