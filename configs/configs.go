// Package configs carries the settings file inside the binary. It holds data,
// no behaviour: pkg/config reads it.
package configs

import _ "embed"

// Sportello is sportello.yaml: every setting with its default.
//
//go:embed sportello.yaml
var Sportello []byte
