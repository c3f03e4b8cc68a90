// Package problem is the one kind of error that may reach a person.
//
// A module returns a *problem.Error for everything the visitor can act on: what
// was not found, what is wrong in a form, what is not allowed. The error says
// what kind of answer it is (Kind, which fixes the HTTP status in one table), a
// stable code that can be searched for in logs and manuals ("cases.already-submitted")
// and the key of the sentence shown to the visitor, translated by the page.
//
// Only app/web turns one into a page or into an RFC 9457 problem+json document.
// The cause kept with Wrap is for the log and is never shown.
package problem
