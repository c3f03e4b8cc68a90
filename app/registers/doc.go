// Package registers is the contract with the registers of the administration:
// today the population register (registro degli abitanti).
//
// It owns what the desk may know of a resident and how a provider is asked; it
// does not own the data. A provider is a folder under providers/: "local" keeps
// a table per commune and needs no contract with anybody. Every provider passes
// the same conformance suite (package registerstest).
//
// A register that is away never stops a person: the form is filled in by hand
// and the case goes to an official.
package registers
