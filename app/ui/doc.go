// Package ui is what every page is made of: the layout, the components on the
// public-sector design system, the icons, and the files a browser loads. It
// knows nothing of cases, fees or law: it is handed words and numbers ready to
// be shown. Its own words come from the texts under "ui".
//
// Files of others (design system, font, htmx, icons) are listed in
// assets/vendor/MANIFEST.json with version, licence and checksum. To take one
// more icon, add a line there and run "node vendor.mjs" in this folder; to
// follow a new version, run "node vendor.mjs NAME@VERSION".
//
// The pages are looked at in a real browser by the tests of ./preview: every
// view with invented data, at 320 and 1280 pixels, light and dark, by axe.
//
// A page is a component of a view package, placed into Layout. A component
// takes a struct of this package; a view that needs an if about the law lacks
// a field in its page struct.
package ui
