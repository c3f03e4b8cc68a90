package payments

import "github.com/sportello-ticino/sportello/app/meters"

// Meters counts the payments that went through: the ledger keeps the moment,
// whatever becomes of a payment later.
func (m *Module) Meters() []meters.Meter {
	return []meters.Meter{{Name: meters.Payments, Table: "ledger_entries", Count: meters.Counted(`select count(*) from ledger_entries
		where at >= $1 and at < $2 and kind = 'payment' and account = 'provider'`)}}
}
