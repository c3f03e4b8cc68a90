// Package definition owns what a service is: the types its YAML file is read into,
// the published schema made of them, the words it may use, what must be right about
// it, and its compiled form with the examples that prove it.
//
// It reads folders and works in memory: which service a commune offers, in which
// version, and the pages are package catalogue's. Overlays and merges are package
// overlay's, YAML is package source's.
package definition
