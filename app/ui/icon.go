package ui

import (
	"embed"
	"strings"

	"github.com/a-h/templ"
)

//go:embed icons/*.svg
var iconFS embed.FS

var icons = loadIcons()

// loadIcons strips the files to their paths: colour, size and the fact that an
// icon is decoration are the layout's.
func loadIcons() map[string]string {
	out := map[string]string{}
	entries, err := iconFS.ReadDir("icons")
	if err != nil {
		panic("ui: icons cannot be read: " + err.Error())
	}
	for _, e := range entries {
		data, err := iconFS.ReadFile("icons/" + e.Name())
		if err != nil {
			panic("ui: icons cannot be read: " + err.Error())
		}
		svg := string(data)
		inner := svg[strings.Index(svg, ">")+1 : strings.LastIndex(svg, "</svg>")]
		out[strings.TrimSuffix(e.Name(), ".svg")] = `<svg class="sp-icon" viewBox="0 0 24 24" aria-hidden="true">` +
			strings.TrimSpace(inner) + "</svg>"
	}
	return out
}

// Icon draws an icon as decoration beside a word. A name that does not exist
// draws nothing: names come from data (life events of the catalogue).
func Icon(name string) templ.Component { return templ.Raw(icons[name]) }

// HasIcon reports whether Icon draws something, for the checks of data.
func HasIcon(name string) bool { return icons[name] != "" }
