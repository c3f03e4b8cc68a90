// Package config reads the settings: the defaults of configs/sportello.yaml,
// over them the file named by SPORTELLO_CONFIG, over them the SPORTELLO_*
// variables, over them the files named by SPORTELLO_*_FILE (secrets only).
//
// There is one typed struct per concern; a package is given the struct it needs
// and never reads the environment itself. Load refuses what is not well formed;
// Config.For refuses what one command cannot run with. Nothing here connects to
// anything: `sportello doctor` does, and prints Redacted.
package config
