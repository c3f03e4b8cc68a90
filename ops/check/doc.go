// Package check holds no code, only tests of the files by which the product is
// run: the Helm chart, the compose file, alerts and dashboards. It is a module of
// its own, so that Helm, compose and Prometheus' parser are none of the
// product's; `make lint` runs it. What needs the product itself (which settings
// and metrics exist) is tested in ../files_test.go and read here from
// ../prometheus/metrics.txt.
package check
