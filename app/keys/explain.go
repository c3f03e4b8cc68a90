package keys

import (
	"errors"

	"github.com/sportello-ticino/sportello/pkg/kms"
)

func explainMaster(err error) string {
	switch {
	case errors.Is(err, kms.ErrOtherKey):
		return "The master key is not the one that wrapped this key: give the one before as SPORTELLO_MASTER_KEY_PREVIOUS and run `sportello keys rotate-master`."
	case errors.Is(err, kms.ErrUnavailable):
		return "Is the key service running and unsealed, and does SPORTELLO_EGRESS_ALLOW name its address? Processes that run keep the keys they have."
	case errors.Is(err, kms.ErrRefused):
		return "Does SPORTELLO_KMS_TOKEN still hold, with update on encrypt/ and decrypt/ of the key that SPORTELLO_KMS_URL names?"
	case errors.Is(err, kms.ErrOpen):
		return "The wrapped key is damaged: restore the row of platform.keysets from a backup (runbook \"a key cannot be opened\")."
	}
	return "Is the directory's database running, and has `sportello migrate up` been run?"
}
