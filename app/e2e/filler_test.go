package e2e

import (
	_ "embed"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/chromedp/chromedp"

	"github.com/sportello-ticino/sportello/app/apptest/filing"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/rules"
)

//go:embed form.js
var formJS string

// asked is what a step of a form asks.
type asked struct {
	Controls []control
	Groups   []struct {
		Name, Add string
		Items     int
	}
	End bool // it is the page where the answers are checked
}

// control is one control of a form.
type control struct {
	Name, Type, Value string
	Checked           bool
	Options           [][2]string // value and words
	Labels            string      // of the groups it stands in and its own
	Named             string      // its own alone
}

// filler is a person with a request to type.
type filler struct {
	*person
	filing.Request
	attached map[string]bool
	picked   map[string]bool          // children that were chosen among those of the register
	says     []string                 // what the check of the answers must say beside
	more     map[string]func(*filler) // step → what the person does there beside what the example says
}

// fillForm goes from the service's card to the check of the answers.
func (f *filler) fillForm() {
	f.t.Helper()
	f.attached, f.picked = map[string]bool{}, map[string]bool{}
	f.open("/servizi/" + f.Service.ID)
	f.follow("Iniziare ora")
	for range 15 {
		page := eval[asked](f.person, formJS)
		if page.End {
			return
		}
		f.fillStep(page)
		before := f.path()
		if more := f.more[path.Base(before)]; more != nil {
			more(f)
		}
		f.narrow()
		f.press("Continuare")
		if strings.Contains(f.text(), "da correggere") {
			f.fatalf("what was typed is refused")
		}
		if f.path() == before {
			f.sees("Le sue risposte aprono un’altra domanda.")
		}
	}
	f.fatalf("the form does not end")
}

// fillStep types what is still missing on the page, one item of a group after
// the other; what was typed before another item came must still be there.
func (f *filler) fillStep(page asked) {
	f.t.Helper()
	done := map[string]bool{}
	for {
		for _, c := range page.Controls {
			lost := done[c.Name+"="+c.Value]
			switch filled := f.fillControl(c); {
			case filled && lost:
				f.t.Errorf("%s: what was typed is lost when another item is added", c.Name)
			default:
				done[c.Name+"="+c.Value] = true
			}
		}
		at := slices.IndexFunc(page.Groups, func(g struct {
			Name, Add string
			Items     int
		}) bool {
			return g.Items < len(items(f.Typed, g.Name))
		})
		if at < 0 {
			return
		}
		group := page.Groups[at]
		f.press(group.Add)
		if page = eval[asked](f.person, formJS); page.Groups[at].Items != group.Items+1 {
			f.fatalf("«%s» has added no item", group.Add)
		}
	}
}

// items are the numbers of a group's items among what is to be typed.
func items(typed url.Values, group string) map[string]bool {
	out := map[string]bool{}
	for name := range typed {
		if rest, ok := strings.CutPrefix(name, group+"."); ok && rest != "n" {
			n, _, _ := strings.Cut(rest, ".")
			out[n] = true
		}
	}
	return out
}

// fillControl makes a control say what it should, through its widget. It
// reports whether there was anything to do.
func (f *filler) fillControl(c control) bool {
	f.t.Helper()
	f.holdsLabel(c)
	if c.Type == "file" {
		return f.attachAll(c)
	}
	want, given := f.Typed[c.Name]
	if child, _, ok := strings.Cut(c.Name, "_"); ok && f.picked[child] && !strings.HasSuffix(c.Name, "_pick") {
		return false // the register knows the rest
	}
	switch {
	case !given && strings.HasSuffix(c.Name, "_pick"): // the first child is the register's, the others are not
		want = []string{f.pick(c)}
	case !given && strings.HasSuffix(c.Name, "_section") && c.Type == "select-one" && c.Value == "": // a parcel lies in one of the commune's
		want = []string{c.Options[1][0]}
	case !given:
		return false
	}
	f.target(c)
	switch c.Type {
	case "radio", "checkbox":
		if c.Checked == slices.Contains(want, c.Value) {
			return false
		}
		f.tickTarget(c)
	case "select-one":
		return f.chooseOption(c, want[0])
	default:
		if c.Value == want[0] {
			return false
		}
		f.fillTarget(c.Named, want[0])
	}
	return true
}

// pick chooses the register's child for the first one that is asked for.
func (f *filler) pick(c control) string {
	child := strings.TrimSuffix(c.Name, "_pick")
	if !strings.Contains(child, ".0.") && strings.Contains(child, ".") {
		return "other"
	}
	f.picked[child] = true
	return eval[string](f.person, `document.querySelector("main [name='`+c.Name+`']").value`)
}

// holdsLabel compares what labels a control with the definition: a person finds
// the question by its words.
func (f *filler) holdsLabel(c control) {
	f.t.Helper()
	if c.Named == "" {
		f.t.Errorf("the control %s has no label", c.Name)
	}
	id, _, _ := strings.Cut(c.Name, ".")
	for _, field := range fieldsOf(f.Service.Definition.Form) {
		if (id == field.ID || strings.HasPrefix(id, field.ID+"_")) && strings.Contains(c.Labels, field.Label.In("it")) {
			return
		}
	}
	f.t.Errorf("the control %s is labelled %q, in words of no question", c.Name, c.Labels)
}

func fieldsOf(d forms.Definition) (out []forms.Field) {
	for _, s := range d.Steps {
		out = append(out, s.Fields...)
	}
	return out
}

// target leaves the control where find would.
func (f *filler) target(c control) {
	f.t.Helper()
	css := `main [name="` + c.Name + `"]`
	if c.Type == "radio" || c.Type == "checkbox" {
		css += `[value="` + strings.ReplaceAll(c.Value, `"`, `\"`) + `"]`
	}
	f.find("css", css, "")
}

func (f *filler) tickTarget(c control) {
	f.t.Helper()
	if f.reach(); !f.keyboard {
		f.hit("")
	} else if eval[bool](f.person, "e2eTarget.checked") == c.Checked { // not by the arrow that led there
		f.do(chromedp.KeyEvent(" "))
	}
	if eval[bool](f.person, "e2eTarget.checked") == c.Checked {
		f.fatalf("%s = %s cannot be ticked", c.Name, c.Value)
	}
}

func (f *filler) chooseOption(c control, value string) bool {
	f.t.Helper()
	if c.Value == value {
		return false
	}
	at := slices.IndexFunc(c.Options, func(o [2]string) bool { return o[0] == value })
	if at < 0 {
		f.fatalf("%s has no option %q", c.Name, value)
	}
	f.fillTarget(c.Named, c.Options[at][1])
	return true
}

// attachAll attaches as many papers as the example brings, once.
func (f *filler) attachAll(c control) bool {
	f.t.Helper()
	n := f.Files[c.Name]
	if n == 0 || f.attached[c.Name] {
		return false
	}
	f.attached[c.Name] = true
	var names []string
	for _, name := range []string{"foglio-1.png", "foglio-2.png", "foglio-3.png"}[:n] {
		names = append(names, sketch(f.t, name))
	}
	f.target(c)
	f.do(chromedp.SetUploadFiles(chromedp.JSPath("window.e2eTarget"), names))
	return true
}

// narrow holds the step, as it stands filled in, to the ruler at the width of a
// small telephone.
func (f *filler) narrow() {
	f.t.Helper()
	name, width := "passo-"+f.Service.ID+"-"+path.Base(f.path()), f.width
	if width != 320 {
		f.picture(name + "-1280")
		f.resize(320)
	}
	f.complain(f.location(), "320", eval[[]string](f.person, rulesJS))
	f.picture(name + "-320")
	if width != 320 {
		f.resize(width)
	}
}

// pays goes through the provider's page.
func (p *person) pays(amount string) {
	p.t.Helper()
	p.sees("Come vuole pagare?", amount)
	p.choose("Come vuole pagare?", "TWINT")
	p.press("Pagare " + amount)
}

// send looks at the answers, sends them and pays where that is due now. It
// returns the case.
func (f *filler) send(o rules.Outcome) string {
	f.t.Helper()
	f.saysAnswers()
	fee := o.Fee.Total.String()
	automatic := f.Service.Kind == catalogue.Smart && o.Verdict == rules.Granted
	now := o.Fee.Total > 0 && (automatic || f.Service.Kind == catalogue.Traditional && f.Service.Fee.Due == catalogue.OnSubmission)
	if o.Fee.Total == 0 {
		f.sees("Totale Gratuito")
	} else {
		f.sees("Totale " + fee)
	}
	if !now && o.Fee.Total > 0 && f.Service.Kind == catalogue.Smart {
		f.sees("Una persona dell’ufficio esamina la domanda. Paga solo se è accolta")
	}
	f.tick("Confermo che i dati sono veri e completi.")
	switch {
	case now && automatic:
		f.press("Pagare " + fee + " e ricevere il documento")
	case now:
		f.press("Pagare " + fee + " e inoltrare la domanda")
	default:
		f.press("Inoltrare la domanda")
	}
	if now {
		f.pays(fee)
		f.sees("Ha pagato " + fee)
	}
	asks := f.Service.Definition.Confirmation != nil
	switch {
	case automatic:
		f.sees("Il documento è pronto", "Scaricare «")
	case asks:
		f.sees("Manca la conferma dell’altra persona", "Abbiamo scritto a")
	default:
		f.sees("Abbiamo ricevuto la domanda", "L’ufficio competente la esamina:")
	}
	ref := f.ref()
	f.follow("Aprire la pratica")
	f.sees(ref, f.Service.Title.In("it"), "Domanda inoltrata")
	switch {
	case automatic:
		f.sees("Conclusa")
	case asks:
		f.sees("In attesa di conferma")
	}
	return ref
}

// saysAnswers finds the words that were typed where the answers are checked.
func (f *filler) saysAnswers() {
	f.t.Helper()
	text := f.text()
	for _, field := range fieldsOf(f.Service.Definition.Form) {
		if want := f.Typed.Get(field.ID); want != "" && (field.Kind == "text" || field.Kind == "longtext") && !strings.Contains(text, squeeze(want)) {
			f.t.Errorf("the check of the answers does not say %q, which was typed for %s", want, field.ID)
		}
	}
	f.sees(f.says...)
}
