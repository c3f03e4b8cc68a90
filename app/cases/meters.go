package cases

import "github.com/sportello-ticino/sportello/app/meters"

// Meters counts the cases submitted.
func (m *Module) Meters() []meters.Meter {
	return []meters.Meter{{Name: meters.Cases, Table: "cases", Count: meters.Counted("select count(*) from cases where submitted_at >= $1 and submitted_at < $2")}}
}
