package local

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// place is what a resident's sealed number is bound to, index the place of its
// keyed hash.
func place(id string) string { return "residents/" + id }

const index = "residents"

// byNumber is the condition that finds a resident: by the keyed hash, or by the
// number itself where the backfill has not been yet.
func byNumber(tx *tenancy.Tx, avs swiss.AVS) (where string, args []any, err error) {
	if !tx.Tenant().Sealed() {
		return "avs = $1", []any{string(avs)}, nil
	}
	k, err := tx.Keys()
	if err != nil {
		return "", nil, err
	}
	hash, err := k.Index(string(avs), index)
	return "(avs_index = $1 or avs = $2)", []any{hash, string(avs)}, err
}

// openNumber reads a number from where it stands.
func openNumber(k tenancy.Keys, id string, plain *string, sealed []byte) (swiss.AVS, error) {
	if plain != nil {
		return swiss.AVS(*plain), nil
	}
	number, err := k.Open(sealed, place(id))
	if err != nil {
		return "", fmt.Errorf("local: number of resident %s: %w", id, err)
	}
	return swiss.AVS(number), nil
}

// Sealed are the residents' AVS numbers, for backfill and rotation.
func Sealed() []keys.Work {
	return []keys.Work{
		keys.Moved{Name: "residents.avs", Table: "residents", Column: "avs", ID: "id", Move: func(tx *tenancy.Tx, id, number string) error {
			resident, err := uuid.Parse(id)
			if err != nil {
				return err
			}
			hash, sealed, err := sealNumber(tx, resident, swiss.AVS(number))
			if err != nil {
				return err
			}
			tx.Queue("update residents set avs = null, avs_index = $2, avs_sealed = $3 where id = $1", resident, hash, sealed)
			return nil
		}},
		keys.Rows{Table: "residents", ID: "id", Type: "uuid", Bytes: []string{"avs_sealed"},
			Place: func(_ tenancy.Tenant, id string) string { return place(id) }},
	}
}

func sealNumber(tx *tenancy.Tx, id uuid.UUID, avs swiss.AVS) (hash, sealed []byte, err error) {
	k, err := tx.Keys()
	if err != nil {
		return nil, nil, err
	}
	if hash, err = k.Index(string(avs), index); err != nil {
		return nil, nil, err
	}
	sealed, err = k.Seal([]byte(avs), place(id.String()))
	return hash, sealed, err
}
