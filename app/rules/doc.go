// Package rules computes what a service's rules say: the fee, who may apply and
// whether a request can be granted without an official.
//
// Rules are CEL expressions (cel.dev/cel-go) written in a service's definition.
// They are compiled when the definition is read, against the names and types of
// that service alone: a misspelt field, a comparison of a text with a number or
// an expression that could cost too much is refused before anybody can apply.
// At run time a rule has a cost limit and a deadline.
//
// Every answer has a value: a field not filled in counts as "", 0, false, an
// empty list or no day. The list `answered` says which ones were filled in.
// Money is whole centimes; times, percent and round5 reckon decimally.
//
// An Outcome keeps the inputs that were read, the version and hash of the rules
// and what came out, so that a case can show years later how it was reckoned.
//
// The package knows neither forms nor services nor where registers are.
package rules
