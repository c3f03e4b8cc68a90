package identity

import (
	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// avsPlace is what a sealed number of an account is bound to.
func avsPlace(account uuid.UUID) string { return "account_avs/" + account.String() }

// avsIndex is the place of the keyed hash: one number belongs to one account.
const avsIndex = "account_avs"

// setAVS keeps an account's AVS number sealed. In a commune whose schema is older
// it stands where it always stood.
func setAVS(tx *tenancy.Tx, account uuid.UUID, number string) error {
	if !tx.Tenant().Sealed() {
		_, err := tx.Exec("update accounts set avs = $2 where id = $1", account, number)
		return err
	}
	bare := number // what is no number is kept as it was written
	if avs, err := swiss.ParseAVS(number); err == nil {
		bare, number = string(avs), avs.String()
	}
	k, err := tx.Keys()
	if err != nil {
		return err
	}
	index, err := k.Index(bare, avsIndex)
	if err != nil {
		return err
	}
	sealed, err := k.Seal([]byte(number), avsPlace(account))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into account_avs (account_id, avs_index, avs_sealed) values ($1, $2, $3)
		on conflict (account_id) do update set avs_index = excluded.avs_index, avs_sealed = excluded.avs_sealed`, account, index, sealed)
	return err
}

// SealedNumbers are the AVS numbers of accounts, for backfill and rotation.
func SealedNumbers() []keys.Work {
	return []keys.Work{
		keys.Moved{Name: "accounts.avs", Table: "accounts", Column: "avs", ID: "id", Move: func(tx *tenancy.Tx, id, number string) error {
			account, err := uuid.Parse(id)
			if err != nil {
				return err
			}
			if err := setAVS(tx, account, number); err != nil {
				return err
			}
			_, err = tx.Exec("update accounts set avs = null where id = $1", account)
			return err
		}},
		keys.Rows{Table: "account_avs", ID: "account_id", Type: "uuid", Bytes: []string{"avs_sealed"},
			Place: func(_ tenancy.Tenant, id string) string { return "account_avs/" + id }},
	}
}
