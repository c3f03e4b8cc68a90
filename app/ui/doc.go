// Package ui is what every page is made of: the layout, the components on the
// public-sector design system, the icons, and the files a browser loads. It
// knows nothing of cases, fees or law: it is handed words and numbers ready to
// be shown. Its own words come from the texts under "ui".
//
// A page is a component of a view package, placed into Layout. A component
// takes a struct of this package; a view that needs an if about the law lacks
// a field in its page struct.
package ui
