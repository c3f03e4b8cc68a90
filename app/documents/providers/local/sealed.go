package local

import (
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Sealed are the passwords of the communes' seals, for rotation.
func (s *Seals) Sealed() []keys.Work {
	return []keys.Work{keys.Rows{Table: "seal_keys", ID: "fingerprint", Type: "text", Bytes: []string{"password"},
		Place: func(t tenancy.Tenant, _ string) string { return place(t) }}}
}
