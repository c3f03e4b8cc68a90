package swiss

import (
	"math"
	"testing"
)

// Vectors: the worked example of swisstopo's paper (46° 2′ 38.87″ N, 8° 43′
// 49.79″ E), and the old observatory of Bern, origin of the grid.
func TestPoints(t *testing.T) {
	for _, c := range []struct {
		a, b float64
		want Point
	}{
		{46 + 2.0/60 + 38.87/3600, 8 + 43.0/60 + 49.79/3600, Point{2700000, 1100000}},
		{8 + 43.0/60 + 49.79/3600, 46 + 2.0/60 + 38.87/3600, Point{2700000, 1100000}},
		{46.95108, 7.438637, Point{2600000, 1200000}},
		{2717000.4, 1096000.6, Point{2717000, 1096001}},
		{1096001, 2717000, Point{2717000, 1096001}},
		{717000, 96000, Point{2717000, 1096000}},
	} {
		got, err := ParsePoint(c.a, c.b)
		if err != nil || abs(got.East-c.want.East) > 1 || abs(got.North-c.want.North) > 1 {
			t.Errorf("%v %v: %v %v, want %v", c.a, c.b, got, err, c.want)
		}
	}
	for _, c := range [][2]float64{{0, 0}, {45.46, 9.19}, {48.2, 16.37}, {2717000, 96000}, {1e300, -1e300}, {math.NaN(), 8.9}, {math.Inf(1), 8.9}} {
		if got, err := ParsePoint(c[0], c[1]); err == nil {
			t.Errorf("%v was read as %v", c, got)
		}
	}
}

func TestPointsThereAndBack(t *testing.T) {
	for east := westmost; east <= eastmost; east += 10_000 {
		for north := southmost; north <= northmost; north += 10_000 {
			p := Point{east, north}
			if back := FromWGS84(p.WGS84()); abs(back.East-east) > 4 || abs(back.North-north) > 4 {
				t.Fatalf("%v came back as %v", p, back)
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }
