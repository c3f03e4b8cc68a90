package forms

import "github.com/sportello-ticino/sportello/app/meters"

// Meters counts the bytes of what people uploaded.
func (m *Module) Meters() []meters.Meter {
	return []meters.Meter{{Name: meters.Storage, Table: "uploads", Count: meters.Levelled("select coalesce(sum(size), 0)::bigint from uploads")}}
}
