package app

import (
	"fmt"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/egress"
	"github.com/sportello-ticino/sportello/pkg/kms"
)

// masters are the master keys of the settings: the one that wraps, then those that
// only unwrap. secrets are the bytes of those that this process holds itself.
func masters(cfg config.Config) (chain *kms.Chain, secrets [][]byte, err error) {
	var list []kms.Master
	for _, read := range []func() ([]byte, error){cfg.Keys.Master, cfg.Keys.Previous} {
		secret, err := read()
		if err != nil {
			return nil, nil, err
		}
		if secret == nil {
			continue
		}
		local, err := kms.NewLocal(secret)
		if err != nil {
			return nil, nil, err
		}
		list, secrets = append(list, local), append(secrets, secret)
	}
	if cfg.Keys.KMSURL != "" {
		guard, err := egress.NewGuard(egress.Options{Allow: cfg.Egress.Allow, Timeout: cfg.Egress.Timeout})
		if err != nil {
			return nil, nil, err
		}
		transit, err := kms.NewTransit(kms.TransitOptions{URL: cfg.Keys.KMSURL, Token: cfg.Keys.KMSToken, Namespace: cfg.Keys.KMSNamespace, HTTP: guard.Client()})
		if err != nil {
			return nil, nil, fmt.Errorf("SPORTELLO_KMS_URL: %w", err)
		}
		if cfg.Keys.KMSRetiring {
			list = append(list, transit)
		} else {
			list = append([]kms.Master{transit}, list...)
		}
	}
	return kms.NewChain(list[0], list[1:]...), secrets, nil
}

// KeysOwner makes, rotates and destroys keys with the owner's credential.
func KeysOwner(cfg config.Config) (*keys.Owner, *tenancy.Owner, error) {
	owner, err := plainOwner(cfg)
	if err != nil {
		return nil, nil, err
	}
	chain, secrets, err := masters(cfg)
	if err != nil {
		return nil, nil, err
	}
	var logins []byte
	if len(secrets) > 0 {
		logins = secrets[0]
	}
	return keys.NewOwner(owner, chain, logins), owner, nil
}
