// Package source owns how data is written in YAML files: it reads a file of a known
// shape and says of every mistake where it stands and what to do, refuses what
// would keep a parser busy, and writes data back in one canonical form.
//
// The shape comes from Go types; which types, and whether what was read makes
// sense, is told by package definition.
package source
