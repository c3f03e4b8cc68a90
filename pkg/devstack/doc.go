// Package devstack starts a private PostgreSQL and a private Redis for the
// demo, the tests and the bench: nothing of the system is started, nothing
// listens beyond loopback, everything lies in one folder.
//
// Start gives both and stops both. It uses the servers named in its options
// instead, and then starts none. StartPostgres and StartRedis start one.
//
// Servers run in process groups of their own, so that Ctrl-C reaches our
// program first and it stops them in order. If our program is killed, they go
// on; the next start in the same folder finds them by their passwords and takes
// them over. A pid file left by a crash is recognised and removed.
//
// Started by root, PostgreSQL and Redis run as an unprivileged account
// ("postgres" if there is one, else "nobody"). Where that account cannot reach
// the folder, the data lies under /var/tmp/sportello-<hash of the folder>.
//
// Passwords are made at random on the first start and kept in the folder,
// readable by the caller alone. Without a redis-server binary an in-process
// miniredis takes its place; it keeps nothing over a restart, which the product
// must survive anyway.
package devstack
