package forms

import (
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Sealed are the answers of drafts and the files people attached, for backfill and
// rotation.
func (m *Module) Sealed() []keys.Work {
	return []keys.Work{
		keys.Rows{Table: "drafts", ID: "id", Type: "uuid", JSON: []string{"answers", "facts", "typed"},
			Place: func(_ tenancy.Tenant, id string) string { return draftPlace(id) }},
		keys.Files{Table: "uploads", ID: "id", Column: "blob_key", Bucket: m.Blobs},
	}
}
