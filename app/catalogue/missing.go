package catalogue

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
)

// Bounds of what is kept of words that led nowhere.
const (
	missingWords = 4    // words of one report
	missingChars = 60   // letters of one report
	missingMost  = 1000 // reports of one commune
	missingDays  = 365  // that a report is kept after it was last sent
)

// Missing is something people looked for here and did not find, as they
// reported it. It is words and counts alone: who sent it is not kept.
type Missing struct {
	Words  string // folded
	Lang   string // of the page it was first sent from
	Times  int
	LastOn time.Time
}

// reportable reports whether a query may be kept: a few words of letters. What
// has figures or signs in it may be somebody's number or address.
func reportable(query string) bool {
	for _, r := range query {
		if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && r != ' ' && r != '\'' && r != '’' && r != '-' {
			return false
		}
	}
	folded := fold(query)
	return len(folded) >= 3 && len(folded) <= missingChars && len(strings.Fields(folded)) <= missingWords
}

// reportMissing is POST /servizi/manca: a visitor says that something is missing.
// Only words that no service has all of are kept.
func (m *Module) reportMissing(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	query := strings.TrimSpace(f.Get("q"))
	found, err := m.Search(r.Ctx(), r.Tenant(), query, r.Lang())
	if err != nil {
		return err
	}
	if len(found.Services) > 0 && !found.Partly || !reportable(query) {
		return r.Redirect(Filter{}.url(query))
	}
	err = m.DB.In(r.Ctx(), r.Tenant(), func(tx *tenancy.Tx) error {
		_, err := tx.Exec(`insert into missing_words as w (words, lang, last_on)
			select $1, $2, $3 where exists (select from missing_words where words = $1) or (select count(*) from missing_words) < $4
			on conflict (words) do update set times = w.times + 1, last_on = excluded.last_on`, fold(query), r.Lang(), m.Clock.Now(), missingMost)
		return err
	})
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return r.Redirect("/servizi?" + url.Values{"q": {query}, "segnalato": {"1"}}.Encode())
}

// MissingWords are what people reported as missing, the most often first, at most
// limit of them.
func (m *Module) MissingWords(ctx context.Context, by identity.Actor, limit int) (out []Missing, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select words, lang, times, last_on from missing_words order by times desc, last_on desc, words limit $1", limit)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Missing])
		return err
	})
	return out, err
}

// forgetMissing lets go what nobody has looked for in a long time.
func (m *Module) forgetMissing(ctx context.Context, t tenancy.Tenant) error {
	return m.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("delete from missing_words where last_on < $1", m.Clock.Now().AddDate(0, 0, -missingDays))
		return err
	})
}
