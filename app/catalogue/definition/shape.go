package definition

import (
	"reflect"
	"sync"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/forms"
)

// What a definition is as data, and what can be wrong with one.
type (
	Tree     = overlay.Tree
	Francs   = source.Francs
	Mistake  = source.Mistake
	Mistakes = source.Mistakes
)

// Shape is the shape of a whole service's file.
var Shape = sync.OnceValue(func() *source.Shape {
	return source.ShapeOf(reflect.TypeFor[Definition](), map[reflect.Type]string{reflect.TypeFor[forms.Definition](): "Form"})
})
