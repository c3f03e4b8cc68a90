package documents

import "github.com/sportello-ticino/sportello/app/keys"

// Sealed are the papers the commune issued, for backfill and rotation.
func (s *Service) Sealed() []keys.Work {
	return []keys.Work{keys.Files{Table: "documents", ID: "id", Column: "blob_key", Bucket: s.Blobs}}
}
