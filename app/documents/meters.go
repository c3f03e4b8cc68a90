package documents

import "github.com/sportello-ticino/sportello/app/meters"

// Meters counts the papers issued, those with an electronic seal, and the
// bytes they take.
func (m *Module) Meters() []meters.Meter {
	return []meters.Meter{
		{Name: meters.Documents, Table: "documents", Count: meters.Counted("select count(*) from documents where issued_at >= $1 and issued_at < $2")},
		{Name: meters.Seals, Table: "documents", Count: meters.Counted("select count(*) from documents where issued_at >= $1 and issued_at < $2 and sealed_by <> ''")},
		{Name: meters.Storage, Table: "documents", Count: meters.Levelled("select coalesce(sum(size), 0)::bigint from documents")},
	}
}
