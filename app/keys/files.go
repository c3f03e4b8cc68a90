package keys

import (
	"context"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
)

// ForFiles answers the key of each scope of the file store: a scope is a commune's
// slug. An unknown commune is refused; one whose schema is older than its keys
// keeps its files as they are.
func ForFiles(db *tenancy.DB, r *Ring) func(context.Context, string) (blob.Cipher, error) {
	return func(ctx context.Context, scope string) (blob.Cipher, error) {
		t, err := db.Directory().BySlug(ctx, scope)
		if err != nil {
			return nil, err
		}
		if !t.Sealed() {
			return nil, nil //nolint:nilnil // see blob.Bucket.UseKeys
		}
		return r.For(ctx, t)
	}
}
