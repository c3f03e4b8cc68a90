// Package documents owns the papers a commune issues: sealed PDF files, their
// codes, and the answer to whether a paper is genuine.
//
// It does not own what stands on a paper (the caller renders it, package pdf
// lays it out) nor the file system (blob).
//
// Life of a document: reserved (id and code are fixed, in a transaction of its
// own) → rendered, sealed and stored, outside of any transaction → issued
// (hash noted) → perhaps revoked; it expires by itself. Every step may be
// repeated: there is one document per case and kind. Two runs at once each
// store a file under its own hash; the row names the one that counts.
//
// Genuine by a code means: issued, not revoked, not expired. Genuine by a file
// means also: this very file, byte for byte, with an intact seal of this
// commune. Neither answer names a person.
//
// Event that leaves: documents.issued, documents.revoked.
package documents
