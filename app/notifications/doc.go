// Package notifications tells people by mail that something waits for them.
//
// It owns the kinds of mail, their look, and a log of what was sent to whom
// (table notifications). It does not own the occasion: cases and identity call
// Send inside their transaction, which commits the log line and one background
// job together with what happened. The job composes the mail in the recipient's
// language with the commune's own sender, colours and words, and hands it to the
// relay. A mail carries a link and never the paper, nor the words of a decision
// or of a request: mails are not sealed.
//
// Life of a line: created → sent, or refused for good by the relay or by an
// address that is none. While the relay is away the job is tried again by the
// outbox. The same key is the same mail: a second Send with it does nothing, and
// a repetition after a crash carries the same Message-ID.
//
// Where the commune has used up its mails of the month, those that can wait stay as
// rows of the outbox and go when there is room again (app/quotas); none is dropped.
//
// Texts: mail.<kind>.subject, .text (paragraphs parted by an empty line) and
// .button, with the placeholders {name}, {ref}, {service} and {sender}; a commune
// may have its own under tenants/<commune>/texts.
package notifications
