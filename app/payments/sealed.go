package payments

import (
	"github.com/sportello-ticino/sportello/app/keys"
)

// Sealed are the communes' secrets at their payment providers, for rotation.
func (s *Service) Sealed() []keys.Work {
	return []keys.Work{keys.Rows{Table: "payment_accounts", ID: "provider", Type: "text", Bytes: []string{"secret"}, Place: place}}
}
