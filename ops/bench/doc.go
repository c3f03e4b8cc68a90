// Command bench measures pages beside what the machine could do at best.
//
// It starts the demo with data of its own, asks for each page with a number of
// clients at once, and then measures two floors in the same run on the same
// database: a bare gin handler that does the same SQL through pgx and writes the
// same bytes, and the same statements in pgbench -M prepared. The statements are
// not copied by hand: they are recorded from PostgreSQL's log while the page is
// asked for, so a floor cannot grow old.
//
//	go run ./ops/bench [-d 10s] [-c 16] [-only name]
//
// Client and servers share the machine, so figures are comparable within one run
// only. Results that are kept stand in README.md with machine and command.
package main
