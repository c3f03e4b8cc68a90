package ui

import (
	"fmt"
	"strconv"
	"strings"
)

// Bar is one row of a chart of bars: a name, its parts, and the whole in words.
type Bar struct {
	Name  string
	Parts []int64
	Value string
}

// Bars is a chart of horizontal bars. Parts are told apart by pattern as well
// as by colour; the table beside the chart says the same in figures.
type Bars struct {
	ID          string
	Title, Desc string
	Legend      []string // one word per part; none where there is one part
	Bars        []Bar
}

// The chart's measures, in its own units.
const (
	barWidth, barHeight   = 640, 18
	barPitch, barTop      = 58, 4
	barLabel, barBaseline = 22, 30
	maxParts              = 3
)

func (b Bars) height() int { return barTop + len(b.Bars)*barPitch }

func (b Bars) box() string { return fmt.Sprintf("0 0 %d %d", barWidth, b.height()) }

func (b Bars) most() int64 {
	var most int64 = 1
	for _, bar := range b.Bars {
		var sum int64
		for _, p := range bar.Parts {
			sum += p
		}
		most = max(most, sum)
	}
	return most
}

// piece is one rectangle.
type piece struct{ x, width, class string }

func (b Bars) pieces(bar Bar) []piece {
	most, at := float64(b.most()), 0.0
	var out []piece
	for i, p := range bar.Parts {
		w := float64(p) / most * barWidth
		if w > 0 {
			out = append(out, piece{num(at), num(max(w, 0.5)), "part-" + strconv.Itoa(i%maxParts)})
		}
		at += w
	}
	return out
}

func (b Bars) y(i, offset int) string { return strconv.Itoa(barTop + i*barPitch + offset) }

func num(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// Spark is a small line without axes: how something went, day by day.
type Spark struct {
	Label  string // what it shows, with its first, last and highest value
	Values []int64
}

const sparkWidth, sparkHeight = 120.0, 28.0

func (s Spark) box() string { return fmt.Sprintf("0 0 %g %g", sparkWidth, sparkHeight) }

// points draws the values from left to right; a line that is all zero lies on
// the ground.
func (s Spark) points() string {
	var most int64 = 1
	for _, v := range s.Values {
		most = max(most, v)
	}
	var b strings.Builder
	for i, v := range s.Values {
		x := sparkWidth
		if len(s.Values) > 1 {
			x = float64(i) / float64(len(s.Values)-1) * sparkWidth
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(num(x) + "," + num(sparkHeight-2-float64(v)/float64(most)*(sparkHeight-4)))
	}
	return b.String()
}

// Weeks adds days up to weeks, the last one ending with the last day: ninety
// points in the width of a word would be noise.
func Weeks(days []int64) []int64 {
	n := (len(days) + 6) / 7
	out := make([]int64, n)
	for i, v := range days {
		out[n-1-(len(days)-1-i)/7] += v
	}
	return out
}
