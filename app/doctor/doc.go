// Package doctor examines a deployment: settings and secrets, the machine it
// runs on, every PostgreSQL cluster, every commune, Redis, and what is called
// outside. Each check is a value in one of three tables (doctor.go); what is
// wrong is told in one sentence that ends with the next step, and names the
// runbook where there is one.
//
// It changes nothing that stays: it writes one file that it removes, and rows of
// a temporary table that is rolled back. It sees what its own process may see:
// run where the settings of `serve` and `worker` are, beside their files.
//
// It does not mend, it does not wait, and it does not watch: alerts do
// (ops/prometheus).
package doctor
