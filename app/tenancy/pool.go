package tenancy

import (
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

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
	key := e.cluster + "/" + database + "/" + e.login
	if !e.shared {
		// A login that was dropped and made again is another one for PostgreSQL:
		// connections from before a move are not taken up again.
		key += e.placedAt.UTC().Format("/20060102150405.000000")
		db.retire(e.slug, key)
	}
	return db.pool(key, db.share(e), func() *pgx.ConnConfig {
		cfg := base.Copy()
		cfg.Database, cfg.User, cfg.Password = database, e.login, LoginPassword(db.masterKey, e.login)
		return cfg
	}), nil
}

// leastPool is how many connections a commune's pool has at least.
const leastPool = 4

// share is how large a commune's pool may be beside those of the other communes
// on its cluster.
func (db *DB) share(e *entry) int {
	snap := db.dir.snap.Load()
	if e.shared || snap == nil || snap.own[e.cluster] == 0 {
		return db.opt.PoolSize
	}
	return db.opt.share(snap.own[e.cluster])
}

// share is the size of one pool beside own of its kind.
func (o Options) share(own int) int { return min(o.PoolSize, max(leastPool, o.Connections/own)) }

// Opens is how many connections a process may open to a cluster where own
// communes have a pool of their own and the others share some logins.
func (o Options) Opens(own, shared int) int {
	o.fill()
	n := o.PlatformPoolSize + shared*o.PoolSize
	if own > 0 {
		n += own * o.share(own)
	}
	return n
}

// retire lets the connections of a commune's former pool end.
func (db *DB) retire(slug, key string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if old := db.own[slug]; old != "" && old != key && db.pools[old] != nil {
		db.pools[old].SetMaxIdleConns(-1) // those in use close when they come back
		delete(db.pools, old)
	}
	db.own[slug] = key
}

func (db *DB) pool(key string, size int, config func() *pgx.ConnConfig) *sql.DB {
	db.mu.Lock()
	defer db.mu.Unlock()
	if p := db.pools[key]; p != nil {
		return p
	}
	p := stdlib.OpenDB(*config(), stdlib.OptionBeforeConnect(db.giveLoginPassword))
	p.SetMaxOpenConns(size)
	p.SetMaxIdleConns(size)
	// Jitter keeps the connections of all pools from ending together.
	third := db.opt.ConnLifetime / 3
	p.SetConnMaxLifetime(2*third + rand.N(2*third))
	p.SetConnMaxIdleTime(5 * time.Minute)
	db.pools[key] = p
	return p
}
