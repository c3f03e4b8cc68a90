package catalogue

import (
	"net/url"
	"slices"
)

// Filter narrows a list of services. Its zero value lets all through; what is
// set must all hold.
type Filter struct {
	Theme    string // of Categories
	Event    string // of LifeEvents
	Audience string // of Audiences
	Office   string // key of an office
	Online   bool   // can be asked for here
	AtOnce   bool   // answers by itself
	Free     bool   // costs nothing here
}

// The names of a filter in an address.
const (
	paramTheme    = "tema"
	paramEvent    = "evento"
	paramAudience = "pubblico"
	paramOffice   = "ufficio"
	paramOnline   = "online"
	paramAtOnce   = "subito"
	paramFree     = "gratis"
)

// readFilter reads a filter from an address. ok is false for a theme, event or
// audience that does not exist.
func readFilter(get func(string) string) (f Filter, ok bool) {
	f = Filter{Theme: get(paramTheme), Event: get(paramEvent), Audience: get(paramAudience), Office: get(paramOffice),
		Online: get(paramOnline) != "", AtOnce: get(paramAtOnce) != "", Free: get(paramFree) != ""}
	return f, f.known()
}

func (f Filter) known() bool {
	return (f.Theme == "" || slices.Contains(categories, f.Theme)) && (f.Event == "" || slices.Contains(lifeEvents, f.Event)) &&
		(f.Audience == "" || slices.Contains(audiences, f.Audience)) && len(f.Office) <= 60
}

// Any reports whether the filter leaves anything out.
func (f Filter) Any() bool { return f != Filter{} }

// Holds reports whether a service passes.
func (f Filter) Holds(s *Service) bool {
	return (f.Theme == "" || s.Category == f.Theme) &&
		(f.Event == "" || slices.Contains(s.LifeEvents, f.Event)) &&
		(f.Audience == "" || slices.Contains(s.Audience, f.Audience)) &&
		(f.Office == "" || s.Office == f.Office) &&
		(!f.Online || slices.Contains(s.Channels, "online")) &&
		(!f.AtOnce || s.Kind == Smart) &&
		(!f.Free || s.Gratis)
}

// Of are the services that pass, in their order.
func (f Filter) Of(all []*Service) []*Service {
	if !f.Any() {
		return all
	}
	var out []*Service
	for _, s := range all {
		if f.Holds(s) {
			out = append(out, s)
		}
	}
	return out
}

// values are the filter as it stands in an address, and the query with it.
func (f Filter) values(query string) url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"q": query, paramTheme: f.Theme, paramEvent: f.Event, paramAudience: f.Audience, paramOffice: f.Office} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for name, on := range map[string]bool{paramOnline: f.Online, paramAtOnce: f.AtOnce, paramFree: f.Free} {
		if on {
			v.Set(name, "1")
		}
	}
	return v
}

// url is the address of the list under the filter.
func (f Filter) url(query string) string {
	if v := f.values(query); len(v) > 0 {
		return "/servizi?" + v.Encode()
	}
	return "/servizi"
}
