package tenancy

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// MigrateSchema is migrate for one schema and its role.
func MigrateSchema(ctx context.Context, conn *pgx.Conn, schema, role string, all []Migration) (int64, error) {
	return migrate(ctx, conn, target{schema: schema, role: role}, all, nil)
}
