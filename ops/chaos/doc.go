// Command chaos ends processes under a deployment that is at work, at random,
// and then counts: two web processes, two workers, two PostgreSQL clusters and a
// Redis, all of them real and its own, in a folder of its own. Sixteen clients
// file requests and pay meanwhile, and send again what was not answered.
//
//	go run ./ops/chaos -for 10m             faults, then the count
//	go run ./ops/chaos -mode rolling        every process replaced under load
//	go run ./ops/chaos -mode side-by-side   the commit before and today's together
//
// It exits with 1 when something that was acknowledged is not there exactly
// once, when a job was not done, when a row lies with the wrong commune, or, in
// the modes without faults, when a single request failed.
package main
