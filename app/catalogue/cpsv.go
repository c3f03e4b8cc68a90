package catalogue

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/pkg/finder"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/rdf"
)

// The vocabularies of CPSV-AP 3.2.0 (SEMIC), which the federal interoperability
// platform describes services with.
const (
	nsCPSV   = "http://purl.org/vocab/cpsv#"
	nsCV     = "http://data.europa.eu/m8g/"
	nsDCT    = "http://purl.org/dc/terms/"
	nsDCAT   = "http://www.w3.org/ns/dcat#"
	nsELI    = "http://data.europa.eu/eli/ontology#"
	nsORG    = "http://www.w3.org/ns/org#"
	nsSKOS   = "http://www.w3.org/2004/02/skos/core#"
	nsTIME   = "http://www.w3.org/2006/time#"
	nsXSD    = "http://www.w3.org/2001/XMLSchema#"
	nsEULang = "http://publications.europa.eu/resource/authority/language/"
	// Numbers of communes as names: linked data of the Confederation.
	nsMunicipality = "https://ld.admin.ch/municipality/"
	chf            = rdf.IRI("http://publications.europa.eu/resource/authority/currency/CHF")
)

var cpsvPrefixes = map[string]string{
	"cpsv": nsCPSV, "cv": nsCV, "dct": nsDCT, "dcat": nsDCAT, "eli": nsELI, "org": nsORG, "skos": nsSKOS, "time": nsTIME, "xsd": nsXSD,
}

// euLanguages are the languages of texts in the EU's list of languages.
var euLanguages = map[string]string{"it": "ITA", "de": "DEU", "fr": "FRA", "en": "ENG"}

// firmEvents are the life events that belong to a firm.
var firmEvents = []string{"attivita"}

// Describer says what a commune's services are in the words of CPSV-AP 3.2.0.
type Describer struct {
	URL   func(path string) string // full address of a page of the commune
	BFS   int                      // the commune's federal number
	Face  *site.Site
	Texts *i18n.Bundle // may be nil: then concepts have no labels
}

// describing is one description while it is written.
type describing struct {
	*rdf.Graph
	Describer
	owner rdf.IRI
}

// Describe writes services as statements. Everything named has an address on the
// commune's host, and its concepts are described with it.
func (by Describer) Describe(services []*Service) *rdf.Graph {
	d := describing{Graph: rdf.New(cpsvPrefixes), Describer: by}
	d.owner = d.at("/#comune")
	d.commune()
	for _, s := range services {
		d.service(s)
	}
	return d.Graph
}

func (d describing) at(path string) rdf.IRI { return rdf.IRI(d.URL(path)) }

func (d describing) is(thing rdf.IRI, classes ...rdf.IRI) {
	for _, c := range classes {
		d.Add(thing, rdf.Type, c)
	}
}

func (d describing) text(thing, property rdf.IRI, text i18n.Text) {
	for _, lang := range finder.Languages {
		if words := text[lang]; words != "" {
			d.Add(thing, property, rdf.Literal{Text: words, Lang: lang})
		}
	}
}

// words is a text of the interface in all languages that have it.
func (d describing) words(key string) i18n.Text {
	out := i18n.Text{}
	if d.Texts != nil {
		for _, lang := range finder.Languages {
			if text, ok := d.Texts.Text(lang, key); ok {
				out[lang] = text
			}
		}
	}
	return out
}

func (d describing) identified(thing rdf.IRI, id string) {
	d.Add(thing, nsDCT+"identifier", rdf.Literal{Text: id})
}

// concept describes a term of one of our own lists.
func (d describing) concept(path, key string) rdf.IRI {
	c := d.at(path)
	d.is(c, nsSKOS+"Concept")
	d.text(c, nsSKOS+"prefLabel", d.words(key))
	return c
}

func (d describing) commune() {
	d.is(d.owner, nsCV+"PublicOrganisation", nsORG+"Organization")
	d.identified(d.owner, strconv.Itoa(d.BFS))
	d.text(d.owner, nsSKOS+"prefLabel", i18n.Italian(d.Face.OfficialName))
	place := rdf.IRI(nsMunicipality + strconv.Itoa(d.BFS))
	d.is(place, nsDCT+"Location")
	d.Add(d.owner, nsDCT+"spatial", place)
}

func (d describing) service(s *Service) {
	page := "/servizi/" + s.ID
	it := d.at(page + "#servizio")
	d.is(it, nsCPSV+"PublicService")
	d.identified(it, s.ID)
	d.text(it, nsDCT+"title", s.Title)
	d.text(it, nsDCT+"description", s.Summary)
	for _, word := range s.Keywords {
		d.Add(it, nsDCAT+"keyword", rdf.Literal{Text: word, Lang: "und"}) // a list of several languages
	}
	d.Add(it, nsCV+"hasCompetentAuthority", d.owner)
	d.Add(it, nsDCT+"spatial", rdf.IRI(nsMunicipality+strconv.Itoa(d.BFS)))
	for _, lang := range finder.Languages {
		if s.Summary[lang] != "" {
			language := rdf.IRI(nsEULang + euLanguages[lang])
			d.is(language, nsDCT+"LinguisticSystem")
			d.Add(it, nsDCT+"language", language)
		}
	}
	d.Add(it, nsCV+"thematicArea", d.concept("/servizi?tema="+url.QueryEscape(s.Category), "services.theme."+s.Category))
	for _, a := range s.Audience {
		d.Add(it, nsDCT+"audience", d.concept("/servizi?pubblico="+url.QueryEscape(a), "find.audience."+a))
	}
	if s.Term.WorkingDays > 0 {
		// The profile knows calendar days alone: so many working days end within.
		d.Add(it, nsCV+"processingTime", rdf.Literal{Text: fmt.Sprintf("P%dD", (s.Term.WorkingDays*7+4)/5), Type: nsXSD + "duration"})
	}
	d.events(it, s)
	d.channels(it, page, s)
	d.costs(it, page, s)
	d.evidence(it, page, s)
	d.law(it, page, s)
	d.output(it, page, s)
	d.contact(it, s)
}

func (d describing) events(it rdf.IRI, s *Service) {
	for _, e := range s.LifeEvents {
		event := d.at("/servizi?evento=" + url.QueryEscape(e) + "#evento")
		class := rdf.IRI(nsCV + "LifeEvent")
		if slices.Contains(firmEvents, e) {
			class = nsCV + "BusinessEvent"
		}
		d.is(event, class, nsCV+"Event")
		d.identified(event, e)
		d.text(event, nsDCT+"title", d.words("home.event."+e+".title"))
		d.Add(it, nsCV+"isGroupedBy", event)
	}
	for _, e := range s.BusinessEvents {
		event := d.at("/servizi#evento-" + url.QueryEscape(e))
		d.is(event, nsCV+"BusinessEvent", nsCV+"Event")
		d.identified(event, e)
		d.text(event, nsDCT+"title", d.words("find.business_event."+e))
		d.Add(it, nsCV+"isGroupedBy", event)
	}
}

func (d describing) channels(it rdf.IRI, page string, s *Service) {
	for _, kind := range s.Channels {
		channel := d.at(page + "#canale-" + kind)
		d.is(channel, nsCV+"Channel")
		d.identified(channel, s.ID+"/"+kind)
		d.Add(channel, nsDCT+"type", d.concept("/servizi#canale-"+kind, "find.channel."+kind))
		d.Add(channel, nsCV+"ownedBy", d.owner)
		d.Add(it, nsCV+"hasChannel", channel)
	}
}

func (d describing) costs(it rdf.IRI, page string, s *Service) {
	add := func(id string, amount money.CHF, label i18n.Text, channel string) {
		cost := d.at(page + "#costo-" + id)
		d.is(cost, nsCV+"Cost")
		d.identified(cost, s.ID+"/"+id)
		d.Add(cost, nsCV+"hasValue", rdf.Literal{Text: amount.Decimal(), Type: nsXSD + "double"})
		d.is(chf, nsSKOS+"Concept")
		d.Add(cost, nsCV+"currency", chf)
		d.text(cost, nsDCT+"description", label)
		d.Add(cost, nsCV+"isDefinedBy", d.owner)
		if slices.Contains(s.Channels, channel) {
			d.Add(cost, nsCV+"ifAccessedThrough", d.at(page+"#canale-"+channel))
		}
		d.Add(it, nsCV+"hasCost", cost)
	}
	for _, name := range sortedNames(s.Fee.Amounts) {
		add(name, money.CHF(s.Fee.Amounts[name].CHF), s.Fee.Amounts[name].Label, "online")
	}
	if s.Fee.Counter != nil {
		add("sportello", money.CHF(*s.Fee.Counter), d.words("service.at_counter"), "counter")
	}
	if s.Free() {
		add("gratuito", 0, d.words("forms.fee.free"), "")
	}
}

// evidence are the files that the form asks for.
func (d describing) evidence(it rdf.IRI, page string, s *Service) {
	for _, step := range s.Definition.Form.Steps {
		for _, f := range step.Fields {
			if f.Kind != "file" {
				continue
			}
			kind, paper := d.at(page+"#tipo-"+f.ID), d.at(page+"#allegato-"+f.ID)
			d.is(kind, nsCV+"EvidenceType")
			d.identified(kind, s.ID+"/"+f.ID)
			d.Add(kind, nsCV+"evidenceTypeClassification", d.concept("/servizi#allegato", "find.evidence"))
			d.is(paper, nsCV+"Evidence")
			d.identified(paper, s.ID+"/"+f.ID)
			d.text(paper, nsDCT+"title", f.Label)
			d.Add(paper, nsDCT+"conformsTo", kind)
			d.Add(it, nsCV+"hasInputType", kind)
			d.Add(it, nsCPSV+"hasInput", paper)
		}
	}
}

func (d describing) law(it rdf.IRI, page string, s *Service) {
	var laws []rdf.IRI
	for i, title := range s.LegalBasis {
		law := d.at(page + "#base-" + strconv.Itoa(i+1))
		d.is(law, nsELI+"LegalResource")
		d.text(law, nsDCT+"title", i18n.Italian(title))
		d.Add(it, nsCV+"hasLegalResource", law)
		laws = append(laws, law)
	}
	for _, c := range s.Eligibility {
		rule := d.at(page + "#regola-" + url.PathEscape(c.ID))
		d.is(rule, nsCPSV+"Rule")
		d.identified(rule, s.ID+"/"+c.ID)
		d.text(rule, nsDCT+"title", c.Reason)
		d.text(rule, nsDCT+"description", c.Reason)
		for _, law := range laws {
			d.Add(rule, nsCPSV+"implements", law)
		}
		d.Add(it, nsCPSV+"follows", rule)
	}
}

func (d describing) output(it rdf.IRI, page string, s *Service) {
	out := d.at(page + "#risultato")
	d.is(out, nsCV+"Output")
	d.identified(out, s.ID+"/"+string(s.Output.Kind))
	d.text(out, nsDCT+"title", s.Output.Title)
	d.text(out, nsDCT+"description", s.Output.Summary)
	d.Add(out, nsDCT+"type", d.concept("/servizi#risultato-"+string(s.Output.Kind), "find.output."+string(s.Output.Kind)))
	d.Add(it, nsCPSV+"produces", out)
}

func (d describing) contact(it rdf.IRI, s *Service) {
	office := d.Face.Office(s.Office)
	point := d.at("/servizi?ufficio=" + url.QueryEscape(s.Office) + "#contatto")
	d.is(point, nsCV+"ContactPoint")
	d.text(point, nsSKOS+"prefLabel", i18n.Italian(office.Name))
	if phone := d.Face.PhoneOf(s.Office); phone != "" {
		d.Add(point, nsCV+"telephone", rdf.Literal{Text: phone})
	}
	if office.Email != "" {
		d.Add(point, nsCV+"email", rdf.Literal{Text: office.Email})
	}
	if office.Hours != "" {
		hours := d.at("/servizi?ufficio=" + url.QueryEscape(s.Office) + "#orari")
		d.is(hours, nsTIME+"TemporalEntity")
		d.text(hours, nsDCT+"description", i18n.Italian(office.Hours))
		d.Add(point, nsCV+"openingHours", hours)
	}
	d.Add(it, nsCV+"contactPoint", point)
}
