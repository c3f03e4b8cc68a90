package definition

import (
	"regexp"
	"slices"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// categories are the themes of the catalogue, in the order they are listed.
// Their titles are texts: "services.theme.<category>".
var categories = []string{
	"certificati", "abitanti", "diritti", "tributi", "cani", "mobilita", "suolo-pubblico", "commercio", "edilizia",
	"ambiente", "reti", "scuole", "sociale", "cultura", "sport", "sicurezza", "cimiteri", "cancelleria", "segnalazioni", "lavoro",
}

// The other words a definition may use.
var (
	audiences  = []string{"citizen", "business", "association", "professional"}
	channels   = []string{"online", "counter", "post"}
	lifeEvents = []string{
		"casa", "figlio", "scuola", "auto", "costruire", "attivita", "lavoro", "animali", "tempo-libero", "diritti", "aiuto", "lutto",
	}
	businessEvents = []string{"avviare", "costruire", "assumere", "ampliare", "organizzare", "trasferire", "cedere", "chiudere"}
	serviceKinds   = []string{string(Smart), string(Traditional)}
	outputKinds    = []string{string(Certificate), string(Authorisation), string(Ruling), string(Receipt), string(Registration), string(Booking)}
	dues           = []string{string(OnSubmission), string(OnDecision)}
	verdicts       = []string{"granted", "referred", "ineligible"}
	spans          = []string{"year", "month", "day"}
	applicants     = []string{"person", "firm"}
)

var (
	serviceID  = regexp.MustCompile(`^[a-z][a-z0-9-]{1,60}$`)
	name       = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	bodyFields = regexp.MustCompile(`\{([^{}]*)\}`)
	bodyWords  = []string{"commune", "name", "today", "purpose", "valid_until", "grant"}
)

// Categories are the themes of the catalogue in their order.
func Categories() []string { return slices.Clone(categories) }

// BusinessEvents are the moments of a firm's life that services belong to.
func BusinessEvents() []string { return slices.Clone(businessEvents) }

// LifeEvents are the moments of people's lives that services belong to.
func LifeEvents() []string { return slices.Clone(lifeEvents) }

// Audiences are whom services are for.
func Audiences() []string { return slices.Clone(audiences) }

// IsID reports whether a word may be the identifier of a service.
func IsID(word string) bool { return serviceID.MatchString(word) }

// Channels are the ways to ask for a service.
func Channels() []string { return slices.Clone(channels) }

var minimumLabel = i18n.Text{"it": "Fino alla tassa minima", "de": "Bis zur Mindestgebühr", "fr": "Jusqu’à la taxe minimale", "en": "Up to the minimum fee"}
