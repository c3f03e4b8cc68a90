package devstack

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// accounts makes Owner, App and Database where they are missing. App is made by
// Owner: from version 16 on an account administers only roles that it created.
func (p *Postgres) accounts(ctx context.Context) error {
	admin, err := pgx.Connect(ctx, p.URL(Admin, "postgres"))
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	if err := p.account(ctx, admin, admin, Owner, "CREATEROLE CREATEDB"); err != nil {
		return err
	}
	owner, err := pgx.Connect(ctx, p.URL(Owner, "postgres"))
	if err != nil {
		return err
	}
	defer owner.Close(ctx)
	if err := p.account(ctx, admin, owner, App, "NOINHERIT"); err != nil {
		return err
	}
	var have bool
	if err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", Database).Scan(&have); err != nil || have {
		return err
	}
	_, err = admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s OWNER %s", Database, Owner))
	return err
}

// account makes one account through creator. One that exists is given the
// password at hand, which is new if its file was lost and the data kept.
func (p *Postgres) account(ctx context.Context, admin, creator *pgx.Conn, name, may string) error {
	var have bool
	if err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&have); err != nil {
		return err
	}
	verb, conn := "CREATE", creator
	if have {
		verb, conn = "ALTER", admin
	}
	// Names are constants and passwords letters and digits: CREATE ROLE takes no parameters.
	_, err := conn.Exec(ctx, fmt.Sprintf("%s ROLE %s LOGIN %s PASSWORD '%s'", verb, name, may, p.secrets.Passwords[name]))
	return err
}
