package costs

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Key is how the communes agreed to share a month's costs. Fixed, Inhabitants
// and Use are per mille and add up to 1000; Weights share the part by use
// among the meters.
type Key struct {
	Total       money.CHF // of a month
	Fixed       int       // the same for each commune
	Inhabitants int
	Use         int
	Weights     map[string]int // meter → weight, 0 or more
}

// Party is a commune that shares.
type Party struct {
	Slug, Name  string
	Inhabitants int
	Used        meters.Use
}

// Share is what a party owes.
type Share struct {
	Party
	Fixed, ByInhabitants, ByUse money.CHF
}

// Amount is the whole of it.
func (s Share) Amount() money.CHF { return s.Fixed + s.ByInhabitants + s.ByUse }

// Shares shares a month among the parties, to the centime: the shares add up
// to the total exactly, none is negative, and the same parties in any order
// give the same shares, sorted by name.
//
// Each part is split by the largest remainder (Hare-Niemeyer); of two equal
// remainders the party that comes first by short name gets the centime. A
// meter that nobody used leaves its weight to the others; when nothing at all
// was used, that part follows the inhabitants; when there are none either, it
// is shared alike. Without parties there is nothing to share.
func Shares(k Key, parties []Party) []Share {
	if len(parties) == 0 {
		return nil
	}
	out := make([]Share, len(parties))
	for i, p := range parties {
		out[i] = Share{Party: p}
	}
	slices.SortFunc(out, func(a, b Share) int { return cmp.Compare(a.Slug, b.Slug) })

	parts := split(int64(k.Total), []int64{int64(k.Fixed), int64(k.Inhabitants), int64(k.Use)})
	alike, people := make([]int64, len(out)), make([]int64, len(out))
	for i, s := range out {
		alike[i], people[i] = 1, int64(s.Inhabitants)
	}
	give := func(amount int64, weights []int64, to func(*Share, money.CHF)) {
		if anyOf(weights) == 0 {
			weights = alike
		}
		for i, c := range split(amount, weights) {
			to(&out[i], money.CHF(c))
		}
	}
	give(parts[0], alike, func(s *Share, c money.CHF) { s.Fixed += c })
	give(parts[1], people, func(s *Share, c money.CHF) { s.ByInhabitants += c })
	byUse := func(s *Share, c money.CHF) { s.ByUse += c }
	used, weights := usedMeters(k, out)
	if len(used) == 0 {
		give(parts[2], people, byUse)
	} else {
		for m, amount := range split(parts[2], weights) {
			give(amount, used[m], byUse)
		}
	}
	slices.SortStableFunc(out, func(a, b Share) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
	return out
}

// usedMeters are the meters with a weight that somebody used: what each party
// used of it, and its weight.
func usedMeters(k Key, shares []Share) (used [][]int64, weights []int64) {
	for _, name := range meters.Names {
		if k.Weights[name] <= 0 {
			continue
		}
		u := make([]int64, len(shares))
		for i, s := range shares {
			u[i] = s.Used[name]
		}
		if anyOf(u) > 0 {
			used, weights = append(used, u), append(weights, int64(k.Weights[name]))
		}
	}
	return used, weights
}

// split shares total by weights, with the largest remainder. Weights are not
// negative and not all zero. The product is wider than 64 bits: bytes times
// centimes.
func split(total int64, weights []int64) []int64 {
	all := new(big.Int)
	for _, w := range weights {
		all.Add(all, big.NewInt(w))
	}
	out := make([]int64, len(weights))
	rest := make([]*big.Int, len(weights))
	order := make([]int, len(weights))
	left := total
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(total), big.NewInt(w)), all, new(big.Int))
		out[i], rest[i], order[i] = q.Int64(), r, i
		left -= out[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return rest[b].Cmp(rest[a]) })
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}

// anyOf is the first weight that is not zero, 0 when there is none.
func anyOf(list []int64) int64 {
	for _, v := range list {
		if v > 0 {
			return v
		}
	}
	return 0
}
