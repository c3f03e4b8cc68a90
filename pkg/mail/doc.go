// Package mail sends mails and, for the demo and the tests, receives them.
//
// A Message has a plain text and an HTML body and a key: the same key gives the
// same Message-ID, so that a mail sent again after a crash can be recognised as
// the one already received. SMTP hands messages to a relay. Inbox is a mail
// server on loopback that keeps what it is given and shows it.
//
// It does not know texts, communes or who may be written to.
package mail
