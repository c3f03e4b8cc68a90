package costs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// The communes' agreement as a table: who owes what.
func TestSharesFollowTheKey(t *testing.T) {
	use := func(cases, storage int64) meters.Use {
		return meters.Use{meters.Cases: cases, meters.Storage: storage}
	}
	three := []Party{{"a", "Alfa", 100, use(10, 1<<40)}, {"b", "Beta", 300, use(30, 0)}, {"c", "Gamma", 600, use(0, 3<<40)}}
	for _, c := range []struct {
		name    string
		key     Key
		parties []Party
		want    []money.CHF
	}{
		{"alike", Key{Total: 100_00, Fixed: 1000}, three, []money.CHF{33_34, 33_33, 33_33}},
		{"by inhabitants", Key{Total: 100_00, Inhabitants: 1000}, three, []money.CHF{10_00, 30_00, 60_00}},
		{"by cases", Key{Total: 100_00, Use: 1000, Weights: map[string]int{meters.Cases: 1}}, three, []money.CHF{25_00, 75_00, 0}},
		{"cases three, storage one", Key{Total: 100_00, Use: 1000, Weights: map[string]int{meters.Cases: 3, meters.Storage: 1}}, three, []money.CHF{25_00, 56_25, 18_75}},
		{"a meter nobody used leaves its weight", Key{Total: 100_00, Use: 1000, Weights: map[string]int{meters.Cases: 1, meters.Mails: 99}}, three, []money.CHF{25_00, 75_00, 0}},
		{"nothing used follows the inhabitants", Key{Total: 100_00, Use: 1000, Weights: map[string]int{meters.Mails: 1}}, three, []money.CHF{10_00, 30_00, 60_00}},
		{"nobody lives there", Key{Total: 1_00, Inhabitants: 1000}, []Party{{Slug: "a", Name: "A"}, {Slug: "b", Name: "B"}, {Slug: "c", Name: "C"}}, []money.CHF{34, 33, 33}},
		{"all parts", Key{Total: 1000_00, Fixed: 300, Inhabitants: 500, Use: 200, Weights: map[string]int{meters.Cases: 1}}, three, []money.CHF{200_00, 400_00, 400_00}},
		{"nothing to share", Key{Fixed: 1000}, three, []money.CHF{0, 0, 0}},
	} {
		var got []money.CHF
		for _, s := range Shares(c.key, c.parties) {
			got = append(got, s.Amount())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if Shares(Key{Total: 1, Fixed: 1000}, nil) != nil {
		t.Error("nobody owes something")
	}
}

// Whatever the key and the communes: the sum is the total to the centime, part
// by part, nobody owes less than nothing, and the order of asking is nothing.
func TestSharesAddUp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 11))
	for round := range 4000 {
		k := Key{Total: money.CHF(rnd.Int64N(99_999_999_999 + 1)), Weights: map[string]int{}}
		if round%3 == 0 {
			k.Total = money.CHF(rnd.Int64N(50))
		}
		k.Fixed = rnd.IntN(1001)
		k.Inhabitants = rnd.IntN(1001 - k.Fixed)
		k.Use = 1000 - k.Fixed - k.Inhabitants
		for _, m := range meters.Names {
			k.Weights[m] = rnd.IntN(4) * rnd.IntN(50)
		}
		parties := make([]Party, 1+rnd.IntN(120))
		for i := range parties {
			parties[i] = Party{Slug: fmt.Sprintf("c%03d", i), Name: fmt.Sprintf("Comune %d", rnd.IntN(20)), Inhabitants: rnd.IntN(3) * rnd.IntN(70_000), Used: meters.Use{}}
			for _, m := range meters.Names {
				parties[i].Used[m] = rnd.Int64N(2) * rnd.Int64N(1<<uint(rnd.IntN(50)))
			}
		}
		shares := Shares(k, parties)
		var fixed, people, use money.CHF
		for _, s := range shares {
			if s.Fixed < 0 || s.ByInhabitants < 0 || s.ByUse < 0 {
				t.Fatalf("round %d: %s owes %v, %v, %v", round, s.Slug, s.Fixed, s.ByInhabitants, s.ByUse)
			}
			fixed, people, use = fixed+s.Fixed, people+s.ByInhabitants, use+s.ByUse
		}
		if fixed+people+use != k.Total {
			t.Fatalf("round %d: the shares add up to %v, not %v", round, fixed+people+use, k.Total)
		}
		for part, got := range map[int]money.CHF{k.Fixed: fixed, k.Inhabitants: people, k.Use: use} {
			exact := int64(k.Total) / 1000 * int64(part)
			if d := int64(got) - exact; d < -1000 || d > 1000 {
				t.Fatalf("round %d: a part of %d per mille of %v is %v", round, part, k.Total, got)
			}
		}
		rnd.Shuffle(len(parties), func(i, j int) { parties[i], parties[j] = parties[j], parties[i] })
		again := Shares(k, parties)
		for i := range shares {
			if again[i].Slug != shares[i].Slug || again[i].Amount() != shares[i].Amount() || again[i].ByUse != shares[i].ByUse {
				t.Fatalf("round %d: another order gives %s %v, first %s %v", round, again[i].Slug, again[i].Amount(), shares[i].Slug, shares[i].Amount())
			}
		}
	}
}
