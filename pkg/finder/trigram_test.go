package finder_test

import (
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/pkg/finder"
	"github.com/sportello-ticino/sportello/pkg/pgtest"
)

// What is alike here is alike in PostgreSQL: both measures give what pg_trgm
// gives, for single words, sentences, accents, figures and nothing at all.
func TestSimilarityIsPostgreSQLs(t *testing.T) {
	db := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "create extension if not exists pg_trgm"); err != nil {
		t.Fatal(err)
	}
	texts := []string{
		"", "a", "ab", "cane", "cnae", "cani", "certificato", "certifcato", "certificado", "domicilio", "Certificato di domicilio", "certificato di stato di famiglia",
		"zona blu", "zona-blu", "contrassegno zona blu per residenti", "Öffentlichkeit", "offentlichkeit", "città", "citta", "6900 Lugano", "word two words", "two words",
		"aaa aaa", "abcabcabc", "hundesteuer", "steuer", "die Hundesteuer zahlen", "l’età dell’oro", "1° agosto", "  spazi   doppi  ", "rinnovo rinnovo carta", "carta",
	}
	pairs := 0
	for _, a := range texts {
		for _, b := range texts {
			var similar, inside float64
			if err := conn.QueryRow(t.Context(), "select similarity($1, $2)::float8, word_similarity($1, $2)::float8", a, b).Scan(&similar, &inside); err != nil {
				t.Fatal(err)
			}
			if got := finder.Similarity(a, b); math.Abs(got-similar) > 1e-6 {
				t.Errorf("similarity of %q and %q is %v, PostgreSQL says %v", a, b, got, similar)
			}
			if got := finder.WordSimilarity(a, b); math.Abs(got-inside) > 1e-6 {
				t.Errorf("word similarity of %q in %q is %v, PostgreSQL says %v", a, b, got, inside)
			}
			pairs++
		}
	}
	if pairs < 900 {
		t.Errorf("only %d pairs", pairs)
	}
}
