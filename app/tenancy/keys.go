package tenancy

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Keys seal what one commune keeps: app/keys makes them, and they are reached
// through the commune's own transaction or [DB.Keys]. context says where a
// ciphertext will stand; one that is copied elsewhere does not open.
type Keys interface {
	// Seal encrypts under the commune's newest key.
	Seal(plain []byte, context string) ([]byte, error)
	// Open decrypts what Seal made with the same context, now or under an
	// older key of the commune.
	Open(sealed []byte, context string) ([]byte, error)
	// Index is a keyed hash of a value, 32 bytes: equal for equal values of one
	// commune and context, and of no use without the commune's key.
	Index(value, context string) ([]byte, error)
	// SealJSON seals every text of a JSON document that holds an AVS number, and
	// leaves the rest readable. OpenJSON undoes it.
	SealJSON(document []byte, context string) ([]byte, error)
	OpenJSON(document []byte, context string) ([]byte, error)
	// SealText does the same with one text that somebody wrote; OpenText undoes it.
	SealText(text, context string) (string, error)
	OpenText(text, context string) (string, error)
}

// KeyRing has the keys of all communes.
type KeyRing interface {
	// Keys are a commune's. Errors: the ring's own, when there are none, when
	// they were destroyed or when they cannot be opened.
	Keys(ctx context.Context, t Tenant) (Keys, error)
	// LoginKey is what the passwords of the communes' logins derive from.
	LoginKey(ctx context.Context) ([]byte, error)
}

// SealedSince is the version of a commune's schema from which on what is marked is
// sealed. Below it the tables have no room for it, and everything stays as it was.
const SealedSince = 202611221110

// Sealed tells whether the commune's schema takes sealed values.
func (t Tenant) Sealed() bool { return t.must().schemaVersion >= SealedSince }

// ErrNoKeyRing says that this process was built without keys.
var ErrNoKeyRing = errors.New("tenancy: no keys were given to this process")

// UseKeys gives every transaction its commune's keys; it is called once, before
// the first transaction.
func (db *DB) UseKeys(r KeyRing) { db.ring = r }

// Keys are the keys of commune t.
func (db *DB) Keys(ctx context.Context, t Tenant) (Keys, error) {
	if !t.Sealed() {
		return unsealed{}, nil
	}
	if db.ring == nil {
		return nil, ErrNoKeyRing
	}
	return db.ring.Keys(ctx, t)
}

// Keys are the keys of the transaction's commune. They are in memory already,
// but for the first question of a process.
func (tx *Tx) Keys() (Keys, error) { return tx.db.Keys(tx.ctx, tx.tenant) }

// giveLoginPassword writes a commune login's password into the settings of a new
// connection. It runs before each one: the key may have been changed.
func (db *DB) giveLoginPassword(ctx context.Context, cfg *pgx.ConnConfig) error {
	if db.ring == nil || cfg.Password != LoginPassword(db.masterKey, cfg.User) {
		return nil // no commune's login: its password stands in the address
	}
	key, err := db.ring.LoginKey(ctx)
	switch {
	case err != nil && len(db.masterKey) > 0:
		return nil // a deployment that has no key of its own yet: the master key is it
	case err != nil:
		return err
	}
	cfg.Password = LoginPassword(key, cfg.User)
	return nil
}

// KeyMaker makes keys with the owner's credential.
type KeyMaker interface {
	// MakeKeys makes the keys of a commune ("" for the deployment's own) that it
	// does not have yet.
	MakeKeys(ctx context.Context, conn *pgx.Conn, slug string) error
	// OwnerLoginKey is KeyRing.LoginKey, read by the owner.
	OwnerLoginKey(ctx context.Context, conn *pgx.Conn) ([]byte, error)
}

// UseKeys makes the owner give every commune its keys.
func (o *Owner) UseKeys(k KeyMaker) { o.keys = k }

// Platform runs fn in one of the owner's transactions on the platform schema.
func (o *Owner) Platform(ctx context.Context, fn func(tx pgx.Tx) error) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; set local search_path = platform, ext"})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// Outside runs fn on one of the owner's connections, without a transaction: what
// PostgreSQL allows only there (VACUUM).
func (o *Owner) Outside(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}

func (o *Owner) makeKeys(ctx context.Context, conn *pgx.Conn, slug string) error {
	if o.keys == nil {
		return nil
	}
	return o.keys.MakeKeys(ctx, conn, slug)
}

// loginPassword is the password of a commune's login.
func (o *Owner) loginPassword(ctx context.Context, conn *pgx.Conn, login string) (string, error) {
	if o.keys == nil {
		return LoginPassword(o.masterKey, login), nil
	}
	key, err := o.keys.OwnerLoginKey(ctx, conn)
	if err != nil {
		return "", err
	}
	return LoginPassword(key, login), nil
}

// unsealed are the keys of a commune whose schema is older than they are: documents
// stay readable, and nothing secret can be written.
type unsealed struct{}

var errUnsealed = errors.New("tenancy: the commune's schema is older than its keys: run `sportello migrate up`")

func (unsealed) Seal([]byte, string) ([]byte, error)                { return nil, errUnsealed }
func (unsealed) Open([]byte, string) ([]byte, error)                { return nil, errUnsealed }
func (unsealed) Index(string, string) ([]byte, error)               { return nil, errUnsealed }
func (unsealed) SealJSON(document []byte, _ string) ([]byte, error) { return document, nil }
func (unsealed) OpenJSON(document []byte, _ string) ([]byte, error) { return document, nil }
func (unsealed) SealText(text, _ string) (string, error)            { return text, nil }
func (unsealed) OpenText(text, _ string) (string, error)            { return text, nil }
