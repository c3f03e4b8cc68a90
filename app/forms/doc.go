// Package forms asks people questions and keeps their answers until they are
// submitted.
//
// It owns the model of a form (steps, fields, kinds of fields, conditions), the
// reading and checking of what was typed by the rules of Switzerland, the drafts
// and the files uploaded to them, and the pages on which a form is filled in. It
// does not know what a case is: a finished draft is handed to a Submitter, which
// package cases provides.
//
// Life cycle of a draft: begun on /servizi/{id}/avvia, saved step by step and as it
// is typed (what is right becomes an answer, the rest stays on its page as it
// stands), resumed on any device, called to mind five days before it expires,
// submitted or forgotten.
//
// A field may depend on answers given before it, never after: so conditions
// cannot form a circle. What a hidden field was answered is dropped.
package forms
