package forms

import (
	"maps"
	"slices"
)

// KindNames lists the kinds of fields there are, sorted.
func KindNames() []string { return slices.Sorted(maps.Keys(kinds)) }
