package identity

import (
	"encoding/json"
	"fmt"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Note writes a line on the platform's audit in the transaction of what it
// tells: who did which action to which object. details are small facts, never
// contents.
func Note(tx *tenancy.PlatformTx, by Actor, action, object string, details map[string]any) error {
	text := []byte("{}")
	if len(details) > 0 {
		var err error
		if text, err = json.Marshal(details); err != nil {
			return fmt.Errorf("identity: details of %s: %w", action, err)
		}
	}
	who := by.name + " (" + by.Ref() + ")"
	if t := by.tenant; t.Valid() {
		who = by.name + " (" + t.Slug() + " " + by.Ref() + ")"
	}
	_, err := tx.Exec("insert into audit (actor, action, object, details) values ($1, $2, $3, $4)", who, action, object, string(text))
	return err
}
