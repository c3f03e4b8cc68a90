package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
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

// sealedWorks is everything of a commune that is sealed: backfill, rotation and
// status go through this list. What a new module seals joins here.
func (a *App) sealedWorks() []keys.Work {
	return slices.Concat(identity.SealedNumbers(), local.Sealed(), a.Forms.Sealed(), a.Cases.Sealed(), a.Documents.Sealed(), a.Seals.Sealed(), a.Payments.Sealed())
}

// Rotator brings everything of a commune under its newest key. It needs the owner's
// credential.
func (a *App) Rotator(say func(string)) (*keys.Rotator, error) {
	owner, _, err := KeysOwner(a.Config)
	if err != nil {
		return nil, err
	}
	return &keys.Rotator{Owner: owner, DB: a.DB, Ring: a.Keys, Works: a.sealedWorks(), Say: say}, nil
}

// SealAll is the backfill: it seals what communes kept before they had keys, and the
// second factors of the entity's staff. It may be interrupted, and run again it does
// nothing.
func (a *App) SealAll(ctx context.Context, say func(string)) error {
	r, err := a.Rotator(say)
	if err != nil {
		return err
	}
	if err := a.Staff.Reseal(ctx); err != nil {
		return err
	}
	a.DB.Directory().Forget()
	all, err := a.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if err := r.Reseal(ctx, t); err != nil {
			return err
		}
		if _, err := r.SealedOnly(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// KeepSealed runs SealAll now and every hour until ctx ends: processes of the
// release before, which may still run beside this one, write the old way.
func (a *App) KeepSealed(ctx context.Context) error {
	for {
		if err := a.SealAll(ctx, func(s string) { a.Log.Info("sealed", "what", s) }); err != nil && ctx.Err() == nil {
			a.Log.Error("what communes keep could not be sealed", "error", err, "next", keys.Explain(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Hour):
		}
	}
}
