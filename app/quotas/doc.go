// Package quotas says how much each commune may use, and sees the end coming.
//
// It owns what the entity grants a commune (storage in bytes, mails per month,
// calls of the machine interface per day), how that compares with what is used,
// the notices before it is used up, and the count of calls. It does not own what is
// used: app/meters counts it, in the transaction of what is counted; and it refuses
// nothing itself. Those who can degrade ask: app/forms whether a file still has
// room, app/notifications whether a mail must wait, app/web whether a call is
// granted. What a commune issues is never refused: papers may go over.
//
// A limit is kept to a few files, mails or calls, not to the last one: whoever asks
// at the same moment is told the same, and nobody waits for a lock. When it cannot
// be known what is left, everything is granted: people come before figures.
//
// A watch every few minutes writes down for the entity what every commune uses,
// lets mails go that waited and have room again, and at 80 and 95 per cent tells
// the commune's administrators, once per period.
package quotas
