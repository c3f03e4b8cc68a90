package app

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// seededDays is how far back the demo's invented readings go.
const seededDays = 120

// SeedEntityDesk gives the entity's console of the demo something to show: some
// months of readings, a key, closed months. Run again it changes nothing.
func (a *App) SeedEntityDesk(ctx context.Context) error {
	by := identity.System(tenancy.Tenant{})
	known, err := a.Costs.Keys(ctx)
	if err != nil || len(known) > 0 {
		return err
	}
	all, err := a.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	today := meters.Day(a.Clock.Now())
	if err := a.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		for _, t := range all {
			for back := seededDays; back > 0; back-- {
				day := today.AddDate(0, 0, -back)
				if err := meters.Keep(tx, t.Slug(), day, inventedUse(t, day, back)); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		return err
	}
	month := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	key := costs.Key{Total: money.Francs(22_170), Fixed: 300, Inhabitants: 500, Use: 200,
		Weights: map[string]int{meters.Cases: 4, meters.Documents: 2, meters.Storage: 1, meters.Mails: 1, meters.Seals: 1, meters.Payments: 1}}
	if err := a.Costs.Agree(ctx, by, month.AddDate(0, -3, 0), key, "Dimostrazione: importi e chiave inventati."); err != nil {
		return err
	}
	for back := 3; back > 1; back-- { // the last month is left to be closed
		if err := a.Costs.Close(ctx, by, month.AddDate(0, -back, 0), ""); err != nil {
			return fmt.Errorf("close %d months ago: %w", back, err)
		}
	}
	return nil
}

// inventedUse is a day's use that looks like a commune's: weekdays more than
// Sundays, larger communes more than small ones, a little more every month.
func inventedUse(t tenancy.Tenant, day time.Time, back int) map[string]int64 {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, t.Slug(), day.Format(time.DateOnly))
	noise := 0.7 + float64(h.Sum32()%600)/1000
	week := []float64{0.15, 1.2, 1.1, 1, 1, 0.9, 0.2}[day.Weekday()]
	size := math.Max(float64(t.Inhabitants()), 1500) / 1000
	n := func(each float64) int64 {
		return int64(math.Round(each * size * week * noise * (1 - float64(back)/400)))
	}
	papers := n(0.5)
	return map[string]int64{meters.Cases: n(0.9), meters.Documents: papers, meters.Seals: papers, meters.Mails: n(2.6), meters.Payments: n(0.4),
		meters.Storage: int64(size * 1e8 * (1 + float64(seededDays-back)/200))}
}
