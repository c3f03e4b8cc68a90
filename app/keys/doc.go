// Package keys gives every commune keys of its own and seals with them: files,
// AVS numbers, payment credentials, the password of its seal, backups.
//
// Envelope encryption with tink: a commune has a keyset for data (XAES-256-GCM;
// one key seals, older ones still open), one for indexes (HMAC-SHA-256, a keyed
// hash for what must be unique or found) and one for streams (AES-256-GCM-HKDF,
// for backups). They are wrapped by the master key (pkg/kms) and kept in the
// platform schema, never in the commune's. The deployment itself ("") has a data
// keyset for its staff's second factors, and the key from which the passwords of
// the communes' logins derive.
//
// [Ring] is the door of processes that serve: it reads. [Owner] makes, rotates,
// rewraps and destroys, with the owner's credential. Every process keeps opened
// keys in memory and asks once a second whether they have changed: a key service
// that is away harms nobody who is in memory already, and a destroyed key is
// forgotten within a second.
//
// Who keeps something sealed says so in a [Work]; the backfill, the rotation and
// the status go through all of them.
//
// The package does not own what is sealed, nor the master key.
package keys
