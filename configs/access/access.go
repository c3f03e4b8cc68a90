// Package access carries the access model and policy inside the binary.
package access

import _ "embed"

// Model is casbin's model; Policy says which role may do which action.
var (
	//go:embed model.conf
	Model string
	//go:embed policy.csv
	Policy string
)
