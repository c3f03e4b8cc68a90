package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/migrations"
	"github.com/sportello-ticino/sportello/pkg/devstack"
)

const (
	provisioningTarget = 1.5
	provisioningRounds = 7
)

// provisioning measures opening a commune (login, role, keys, schema, tables,
// rights, entry in the directory) against the same tables sent in one piece.
func provisioning(ctx context.Context, out io.Writer, w *world, pg *devstack.Postgres) error {
	owner, err := app.Owner(w.Config)
	if err != nil {
		return err
	}
	all, err := tenancy.ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, pg.URL(devstack.Owner, devstack.Database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var took, floor []time.Duration
	for i := range provisioningRounds {
		name := fmt.Sprintf("t_nudo%d", i)
		var ddl strings.Builder
		fmt.Fprintf(&ddl, "begin; create schema %s; set local search_path = %s, ext;\n", name, name)
		for _, m := range all {
			ddl.WriteString(m.SQL + "\n;")
		}
		ddl.WriteString("commit")
		start := time.Now()
		if _, err := conn.PgConn().Exec(ctx, ddl.String()).ReadAll(); err != nil {
			return err
		}
		floor = append(floor, time.Since(start))
		start = time.Now()
		if err := owner.Provision(ctx, opened(9000+i), nil); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	slices.Sort(floor)
	got, bare := took[provisioningRounds/2], floor[provisioningRounds/2]
	_, err = fmt.Fprintf(out, "\nopening a commune %s, the bare tables in one round trip %s: %.2f (target: at most %.1f), medians of %d\n",
		round(got), round(bare), got.Seconds()/bare.Seconds(), provisioningTarget, provisioningRounds)
	return err
}
