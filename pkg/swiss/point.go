package swiss

import "math"

// Point is a spot in the Swiss coordinates LV95, in whole metres: East begins
// with 2, North with 1.
type Point struct{ East, North int }

// The box around Switzerland in LV95, metres.
const (
	westmost, eastmost    = 2_485_000, 2_834_000
	southmost, northmost  = 1_075_000, 1_296_000
	lv03East, lv03North   = 2_000_000, 1_000_000 // what LV95 adds to LV03
	leastLat, mostLat     = 45.7, 47.9           // degrees, the same box in WGS84
	leastLon, mostLon     = 5.8, 10.6
	bernLat, bernLon      = 169028.66, 26782.5 // seconds of arc
	bernEast, bernNorth   = 2600072.37, 1200147.07
	secondsOfArc, tenThou = 3600, 10_000
)

// InSwitzerland reports whether the point lies in the box around Switzerland.
func (p Point) InSwitzerland() bool {
	return p.East >= westmost && p.East <= eastmost && p.North >= southmost && p.North <= northmost
}

// ParsePoint makes a point of two numbers in whichever order and system people
// copy them: LV95, the older LV03, or WGS84 degrees as telephones give them.
// Anything outside Switzerland is ErrNotValid.
func ParsePoint(a, b float64) (Point, error) {
	for _, pair := range [][2]float64{{a, b}, {b, a}} {
		x, y := pair[0], pair[1]
		var p Point
		switch {
		case math.IsNaN(x) || math.IsNaN(y):
		case x >= leastLon && x <= mostLon && y >= leastLat && y <= mostLat:
			p = FromWGS84(y, x)
		case x >= westmost && x <= eastmost && y >= southmost && y <= northmost:
			p = Point{int(math.Round(x)), int(math.Round(y))}
		case x >= westmost-lv03East && x <= eastmost-lv03East && y >= southmost-lv03North && y <= northmost-lv03North:
			p = Point{int(math.Round(x)) + lv03East, int(math.Round(y)) + lv03North}
		}
		if p.InSwitzerland() {
			return p, nil
		}
	}
	return Point{}, notValid("point", "no coordinates in Switzerland")
}

// FromWGS84 converts degrees to LV95, good to a metre. Rule: approximate
// formulas of swisstopo, "Approximate formulas for the transformation between
// Swiss projection coordinates and WGS84", December 2016, section 2.
func FromWGS84(lat, lon float64) Point {
	f, l := (lat*secondsOfArc-bernLat)/tenThou, (lon*secondsOfArc-bernLon)/tenThou
	east := bernEast + 211455.93*l - 10938.51*l*f - 0.36*l*f*f - 44.54*l*l*l
	north := bernNorth + 308807.95*f + 3745.25*l*l + 76.63*f*f - 194.56*l*l*f + 119.79*f*f*f
	return Point{int(math.Round(east)), int(math.Round(north))}
}

// WGS84 converts to degrees, good to 0.1 seconds of arc. Rule: the same paper,
// section 3.
func (p Point) WGS84() (lat, lon float64) {
	y, x := float64(p.East-2_600_000)/1e6, float64(p.North-1_200_000)/1e6
	lon = 2.6779094 + 4.728982*y + 0.791484*y*x + 0.1306*y*x*x - 0.0436*y*y*y
	lat = 16.9023892 + 3.238272*x - 0.270978*y*y - 0.002528*x*x - 0.0447*y*y*x - 0.0140*x*x*x
	return lat * 100 / 36, lon * 100 / 36
}
