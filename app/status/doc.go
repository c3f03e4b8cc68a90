// Package status tells the public how a commune's desk is doing: /stato for
// people, /stato.json for machines.
//
// It owns what it remembers of ninety days (status_days, status_incidents, in the
// platform's schema) and the look at a commune that fills it, once a minute. It
// asks the commune's database, Redis and the outbox, never a provider: whether
// payments and mails go out is seen from the work that waits. A process asks at
// most every five seconds for a commune, whoever visits; with the commune, Redis
// or the platform away the page says so and answers all the same. It names no
// part of the machinery.
package status
