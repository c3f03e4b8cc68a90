// Package migrations embeds the SQL that shapes the database: platform/ for
// the one directory of communes, cluster/ for what further clusters need beside
// it, tenant/ for the schema of every commune.
// Files are named by digits and a word (202611221030_cases_deadline.sql), are
// written in goose's format and are never edited once they have landed: the
// runner in app/tenancy refuses a file whose checksum has changed.
package migrations

import "embed"

//go:embed platform/*.sql
var Platform embed.FS

//go:embed tenant/*.sql
var Tenant embed.FS

// Cluster shapes the platform schema of a further PostgreSQL cluster.
//
//go:embed cluster/*.sql
var Cluster embed.FS

// TenantTables is tables.yaml: what every table of a commune holds and how it is
// exported (app/tenancy reads it).
//
//go:embed tenant/tables.yaml
var TenantTables []byte
