// Package overlay owns how definitions are laid over each other: what an overlay
// says, what it makes of a shared definition, in which parts two definitions
// differ, and how a commune's layers move onto a new shared version (a three-way
// merge). It works on plain data and touches neither files nor tables.
//
// It does not know what a service is: what the keys mean is told by package
// definition, and what is kept where by package catalogue.
package overlay
