// Package pgtest gives each test a database of its own on a real PostgreSQL.
// It knows nothing of what is in it.
//
//	db := pgtest.Clone(t, schemaHash, func(ownerURL string) error {
//		return migrateAndFill(ownerURL) // runs once per schemaHash
//	})
//	pool, err := pgxpool.New(ctx, db.OwnerURL)
//
// The first Clone with a key builds a template database with the function given;
// every Clone copies it (about 30 ms) and drops the copy when the test ends.
// The key must change when what the function does changes: hash the migration
// files and the data. Packages that test at the same time build a template once.
// The function must close its connections: PostgreSQL copies no database in use.
// Roles belong to the whole server and are not copied: names that a template
// creates must carry something of its own (DB.Name of the template is in the
// address it is given), and its copies share them.
//
// One server serves all test processes of a checkout. It lies in
// <module>/.sportello/test, writes nothing durable and starts in about two
// seconds with the first test that asks for it. It ends two minutes after the
// last test process did, or at once with `go run ./pkg/pgtest/stop`, which
// `make test` does at its end. With SPORTELLO_OWNER_DATABASE_URL set (an account
// that may create databases, and roles if the template does) that server is used
// and none is started.
package pgtest
