package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

const (
	searchTarget  = 10 * time.Millisecond
	searchCatalog = 140
	searchClients = 2 // as many as cores: what a visitor waits for, not what a queue does
)

// searches are what people type: words, beginnings, synonyms, slips, other
// languages, nothing that is there.
var searches = []string{
	"certificato di domicilio", "cane", "autorizazione posteggio", "certificato di residenza", "Umzug", "taxe chien", "contributo bicicletta", "spazzatura",
	"suolo pubblico per un trasloco", "zona blu", "certif", "mense scolastiche", "astronave", "permesso per l’evento",
}

// search measures the list under a search of 140 services: first the search alone
// in this process, then whole pages, beside a bare handler that writes the same
// bytes. The services are the repository's own under titles of their own.
func search(ctx context.Context, out io.Writer, s settings, w *world) error {
	if err := w.manyServices(ctx, searchCatalog); err != nil {
		return err
	}
	all, err := w.Catalogue.Offered(ctx, w.tenant)
	if err != nil {
		return err
	}
	if len(all) < searchCatalog {
		return fmt.Errorf("%d services are offered, %d were made", len(all), searchCatalog)
	}
	var alone []time.Duration
	for i := range 4000 {
		start := time.Now()
		if _, err := w.Catalogue.Search(ctx, w.tenant, searches[i%len(searches)], "it"); err != nil {
			return err
		}
		alone = append(alone, time.Since(start))
	}
	slices.Sort(alone)
	fmt.Fprintf(out, "search of %d services in memory: p50 %s, p99 %s, longest %s\n", len(all), round(alone[len(alone)/2]), round(alone[len(alone)*99/100]), round(alone[len(alone)-1]))

	var turn atomic.Int64
	ask := func(ctx context.Context) (*http.Request, error) {
		q := searches[int(turn.Add(1))%len(searches)]
		return http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/servizi?q="+url.QueryEscape(q), nil)
	}
	status, contentType, body, err := fetch(ctx, ask)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("the search answers %d", status)
	}
	floor, stop, err := startFloor(ctx, floorPlan{URL: w.Config.Database.URL, PoolSize: 1, Status: status, ContentType: contentType, Body: body})
	if err != nil {
		return err
	}
	defer stop()
	part := s
	part.clients = searchClients
	results, err := inTurns(ctx, part, []func(context.Context) (*http.Request, error){ask, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, floor, nil)
	}})
	if err != nil {
		return err
	}
	verdict := "reached"
	if results[0].P99 > searchTarget {
		verdict = "missed"
	}
	fmt.Fprintf(out, "page of a search of %d services: %.0f/s, p50 %s, p99 %s (target %s, %s), %d failed; floor (same bytes): %.0f/s, p99 %s; share %.2f\n", len(all),
		results[0].PerSecond, round(results[0].P50), round(results[0].P99), searchTarget, verdict, results[0].Failed, results[1].PerSecond, round(results[1].P99), results[0].PerSecond/results[1].PerSecond)
	return nil
}

// variants tell the made services apart, in words that searches meet.
var variants = strings.Fields("invernale estivo scolastico sportivo culturale sociale provvisorio speciale annuale mensile rinnovato ridotto")

// manyServices fills the commune's catalogue up to n services: its own again, each
// under another name and title. Whoever serves it hears of that.
func (w *world) manyServices(ctx context.Context, n int) error {
	return w.DB.In(ctx, w.tenant, func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select id, definition from services where offered and published order by id")
		if err != nil {
			return err
		}
		type service struct {
			ID         string
			Definition []byte
		}
		own, err := pgx.CollectRows(rows, pgx.RowToStructByPos[service])
		if err != nil {
			return err
		}
		for i := len(own); i < n; i++ {
			from := own[i%len(own)]
			var def map[string]any
			if err := json.Unmarshal(from.Definition, &def); err != nil {
				return err
			}
			variant := variants[i/len(own)%len(variants)]
			id := from.ID + "-" + variant
			def["id"] = id
			if titles, ok := def["title"].(map[string]any); ok {
				for lang, title := range titles {
					titles[lang] = fmt.Sprint(title, " ", variant)
				}
			} else {
				def["title"] = fmt.Sprint(def["title"], " ", variant)
			}
			made, err := json.Marshal(def)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`insert into services (id, definition, overlay, console, version, kind, offered, published)
				select $1, $2, overlay, console, version, kind, true, true from services where id = $3 on conflict (id) do nothing`, id, string(made), from.ID); err != nil {
				return err
			}
		}
		return tx.Bump(catalogue.Topic)
	})
}
