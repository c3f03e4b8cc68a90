// Package catalogue owns the services a commune offers: what each is, who may
// ask for it, its form, fee, rules, papers and terms.
//
// A service is written once, in the shared catalogue (tenants/shared/services),
// and adapted by each commune with an overlay that holds only what differs. The
// merged and compiled result is a Service. At run time the database is the
// truth: Apply brings a folder in without undoing what a console changed, and
// each commune's services are served from memory.
//
// What needs neither table nor page lies below: package overlay lays definitions
// over each other and merges them, package source reads and writes YAML, package
// definition says what a service is and compiles it. Others know their types by
// the names in names.go.
//
// It does not own cases, nor the pages on which a form is filled in (forms).
// A change of what is offered is announced by bumping Topic.
//
//go:generate go test ./definition -run TestSchemaIsUpToDate -update
package catalogue
