package app

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/sportello-ticino/sportello/app/agreements"
	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
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
	return a.seedAgreements(ctx, by, all)
}

// seedAgreements enters an invented contract per commune, a sub-processor, a
// joint project, and an announcement.
func (a *App) seedAgreements(ctx context.Context, by identity.Actor, all []tenancy.Tenant) error {
	today := meters.Day(a.Clock.Now())
	begin := time.Date(today.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(4, 0, -1)
	var some []string
	for i, t := range all {
		if err := a.Agreements.SaveContract(ctx, by, agreements.Contract{Slug: t.Slug(), Number: fmt.Sprintf("ESEMPIO-%d-%02d", begin.Year(), i+1), Signed: &begin, ValidTo: &end,
			Location: "Svizzera, centro di calcolo di esempio", DPO: "Vera Campioni, protezione.dati@ente.example"}); err != nil {
			return err
		}
		if i < 3 {
			some = append(some, t.Slug())
		}
	}
	if len(some) == 0 {
		return nil
	}
	if err := a.Agreements.AddProcessor(ctx, by, agreements.Subprocessor{Name: "Centro di calcolo Esempio SA", Service: "Server e copie di sicurezza", Location: "Svizzera", Since: begin}); err != nil {
		return err
	}
	if _, err := a.Agreements.SaveProject(ctx, by, agreements.Project{Name: "Prenotazione degli impianti sportivi", Description: "Un solo calendario per palestre e campi.", State: "running",
		Total: money.Francs(84_000), Share: "inhabitants", Slugs: some, Milestones: []agreements.Milestone{
			{Due: today.AddDate(0, -2, 0).Format(time.DateOnly), Text: "Concetto", Done: true}, {Due: today.AddDate(0, 1, 0).Format(time.DateOnly), Text: "Prova con due impianti"},
			{Due: today.AddDate(0, 4, 0).Format(time.DateOnly), Text: "Messa in servizio"}}}); err != nil {
		return err
	}
	return a.Bulletin.Write(ctx, by, bulletin.Announcement{Kind: bulletin.Info, Starts: a.Clock.Now(), Ends: a.Clock.Now().AddDate(0, 0, 14),
		Texts: i18n.Text{"it": "Nuova guida per i funzionari: la trova presso l’ente informatico."}})
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
