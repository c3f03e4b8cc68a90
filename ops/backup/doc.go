// Package backup holds the scripts that keep and restore a whole PostgreSQL
// cluster to any moment, and the test that does it; it has no Go code of its own.
package backup
