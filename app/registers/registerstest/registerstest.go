// Package registerstest is what every provider of a register must pass, and a
// register that fails on purpose.
package registerstest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Case is a provider with what its data must hold.
type Case struct {
	Register  registers.PopulationRegister
	Tenant    tenancy.Tenant
	Neighbour tenancy.Tenant
	Known     registers.Person // lives in Tenant, with at least one other in the household
	Stranger  swiss.AVS        // valid, in no register
	OnlyThere swiss.AVS        // lives in Neighbour alone
}

// Run is the conformance suite of population registers.
func Run(t *testing.T, c Case) {
	ctx := context.Background()
	t.Run("a resident is found with address and household", func(t *testing.T) {
		p, err := c.Register.Person(ctx, c.Tenant, c.Known.AVS)
		if err != nil {
			t.Fatal(err)
		}
		if p.AVS != c.Known.AVS || p.Name() != c.Known.Name() || p.Born != c.Known.Born || p.Address() != c.Known.Address() || !p.Resident() {
			t.Errorf("%+v", p)
		}
		if len(p.Household) == 0 {
			t.Error("the household is missing")
		}
		for _, m := range p.Household {
			if m.AVS == p.AVS || m.FirstName == "" || m.Born == "" {
				t.Errorf("household: %+v", m)
			}
		}
	})
	t.Run("nobody is not found", func(t *testing.T) {
		if _, err := c.Register.Person(ctx, c.Tenant, c.Stranger); !errors.Is(err, registers.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
	t.Run("the neighbour's resident is not found here", func(t *testing.T) {
		if _, err := c.Register.Person(ctx, c.Neighbour, c.OnlyThere); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Register.Person(ctx, c.Tenant, c.OnlyThere); !errors.Is(err, registers.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a number that is none is not found", func(t *testing.T) {
		if _, err := c.Register.Person(ctx, c.Tenant, "756'; drop table residents"); !errors.Is(err, registers.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a question nobody waits for ends as unavailable", func(t *testing.T) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := c.Register.Person(gone, c.Tenant, c.Known.AVS); !errors.Is(err, registers.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	})
}

// Breakable is a register that can be switched off.
type Breakable struct {
	registers.PopulationRegister
	Down atomic.Bool
}

// Person answers ErrUnavailable while the register is down.
func (b *Breakable) Person(ctx context.Context, t tenancy.Tenant, avs swiss.AVS) (registers.Person, error) {
	if b.Down.Load() {
		return registers.Person{}, registers.ErrUnavailable
	}
	return b.PopulationRegister.Person(ctx, t, avs)
}
