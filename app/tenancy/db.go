package tenancy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Options are the limits on connections. The zero value is filled with the
// defaults that tenancy.md's measurements lead to.
type Options struct {
	// PoolSize bounds the connections per login (default 8).
	PoolSize int
	// AcquireTimeout is how long a request waits for a connection before it
	// is told to come back (default 2 s).
	AcquireTimeout time.Duration
}

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

	mu    sync.Mutex
	pools map[string]*sql.DB
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
	if opt.PoolSize == 0 {
		opt.PoolSize = 8
	}
	if opt.AcquireTimeout == 0 {
		opt.AcquireTimeout = 2 * time.Second
	}
	limit(cfg)
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: sql.OpenDB(refusingConnector{})}), &gorm.Config{
		QueryFields: true, SkipDefaultTransaction: true, DisableAutomaticPing: true,
		AllowGlobalUpdate: false, Logger: logger.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("tenancy: gorm: %w", err)
	}
	db := &DB{platform: cfg, clusters: map[string]*pgx.ConnConfig{"main": cfg}, masterKey: masterKey,
		opt: opt, gorm: g, pools: map[string]*sql.DB{},
		book: &revisionBook{at: map[string]revisionPage{}}}
	db.dir = &Directory{db: db, base: baseDomain}
	cfg.Tracer = &db.sent
	return db, nil
}

// limit sets what no statement of this product may exceed.
func limit(cfg *pgx.ConnConfig) {
	if cfg.RuntimeParams == nil {
		cfg.RuntimeParams = map[string]string{}
	}
	cfg.RuntimeParams["application_name"] = "sportello"
	cfg.RuntimeParams["statement_timeout"] = "10000"
	cfg.RuntimeParams["lock_timeout"] = "2000"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "15000"
	cfg.ConnectTimeout = 5 * time.Second
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

// LoginPassword derives a commune login's password from the master key.
func LoginPassword(masterKey []byte, login string) string {
	mac := hmac.New(sha256.New, masterKey)
	mac.Write([]byte("sportello database login " + login))
	return hex.EncodeToString(mac.Sum(nil))
}

func (db *DB) tenantPool(e *entry) (*sql.DB, error) {
	base, ok := db.clusters[e.cluster]
	if !ok {
		return nil, fmt.Errorf("tenancy: commune %s lives on cluster %q, which is not configured", e.slug, e.cluster)
	}
	database := e.database
	if database == "" {
		database = base.Database
	}
	return db.pool(e.cluster+"/"+database+"/"+e.login, func() *pgx.ConnConfig {
		cfg := base.Copy()
		cfg.Database, cfg.User, cfg.Password = database, e.login, LoginPassword(db.masterKey, e.login)
		return cfg
	}), nil
}

func (db *DB) pool(key string, config func() *pgx.ConnConfig) *sql.DB {
	db.mu.Lock()
	defer db.mu.Unlock()
	if p := db.pools[key]; p != nil {
		return p
	}
	p := stdlib.OpenDB(*config(), stdlib.OptionBeforeConnect(db.giveLoginPassword))
	p.SetMaxOpenConns(db.opt.PoolSize)
	p.SetMaxIdleConns(db.opt.PoolSize)
	// Jitter keeps the connections of all pools from ending together.
	p.SetConnMaxLifetime(30*time.Minute + rand.N(30*time.Minute))
	p.SetConnMaxIdleTime(5 * time.Minute)
	db.pools[key] = p
	return p
}

// In runs fn in one transaction of commune t, as t's role and on t's schema.
// The transaction is committed when fn returns nil and rolled back otherwise
// (also on panic). Errors: whatever fn returned; problem.Unavailable when no
// connection came free in time.
func (db *DB) In(ctx context.Context, t Tenant, fn func(tx *Tx) error) error {
	return db.tenantTx(ctx, t, t.must().beginWrite, fn)
}

// Read is In for readers: PostgreSQL refuses every write.
func (db *DB) Read(ctx context.Context, t Tenant, fn func(tx *Tx) error) error {
	return db.tenantTx(ctx, t, t.must().beginReadOnly, fn)
}

func (db *DB) tenantTx(ctx context.Context, t Tenant, begin string, fn func(tx *Tx) error) error {
	pool, err := db.tenantPool(t.e)
	if err != nil {
		return err
	}
	var after []func()
	run := func() error {
		after = nil
		return db.transact(ctx, pool, begin, func(c *txConn) error {
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
	if err != nil {
		return err
	}
	for _, f := range after {
		f()
	}
	return nil
}

// Platform runs fn in one transaction on the platform schema. Its type offers
// no way to a commune's data.
func (db *DB) Platform(ctx context.Context, fn func(tx *PlatformTx) error) error {
	pool := db.pool("platform", func() *pgx.ConnConfig { return db.platform })
	return db.transact(ctx, pool, "begin; set local search_path = platform, ext", func(c *txConn) error {
		return fn(&PlatformTx{core: core{db: db, ctx: ctx, conn: c}})
	})
}

func stalePlan(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "0A000"
}

// errBusy is what a person reads when the commune's connections are all taken.
func errBusy(cause error) error {
	return problem.Unavailable("tenancy.busy", "error.busy").Wrap(cause)
}
