package operator

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/theme"
)

// Form is what the console asks to open a commune without a folder.
type Form struct {
	Slug         string `json:"slug"`
	Name         string `json:"name"`
	OfficialName string `json:"official_name"`
	RefPrefix    string `json:"ref_prefix"`
	BFS          string `json:"bfs"`
	First        string `json:"first"`
	Second       string `json:"second"`
	Phone        string `json:"phone"`
}

// templateDir is the folder whose services and offices a commune begins with
// when it is opened by form.
const templateDir = "examples/valmora"

// check returns the text key of what is wrong with each field.
func (f *Form) check() map[string]string {
	f.Slug, f.RefPrefix = strings.ToLower(strings.TrimSpace(f.Slug)), strings.ToUpper(strings.TrimSpace(f.RefPrefix))
	f.Name, f.OfficialName = strings.TrimSpace(f.Name), strings.TrimSpace(f.OfficialName)
	wrong := map[string]string{}
	c := f.commune()
	if f.Name == "" || len(f.Name) > 80 {
		wrong["name"] = "operator.error.name"
	}
	if err := (tenancy.Commune{Slug: f.Slug, Name: "x", RefPrefix: "XXX"}).Validate(); err != nil {
		wrong["slug"] = "operator.error.slug"
	}
	if err := (tenancy.Commune{Slug: "xx", Name: "x", RefPrefix: c.RefPrefix}).Validate(); err != nil {
		wrong["ref_prefix"] = "operator.error.prefix"
	}
	if f.BFS != "" {
		if n, err := strconv.Atoi(f.BFS); err != nil || n < 1 || n > 9999 {
			wrong["bfs"] = "operator.error.bfs"
		}
	}
	if findings, err := theme.Check(f.First, f.Second); err != nil {
		wrong["first"] = "operator.error.colours"
	} else if len(theme.Refused(findings)) > 0 {
		wrong["first"] = "operator.error.contrast"
	}
	return wrong
}

func (f *Form) commune() tenancy.Commune {
	n, _ := strconv.Atoi(f.BFS)
	return tenancy.Commune{Slug: f.Slug, Name: f.Name, RefPrefix: f.RefPrefix, BFS: n}
}

// source makes a folder of the form: the template's services and offices, this
// commune's name and colours, a mark drawn from its initial.
func (f *Form) source(fsys fs.FS) (Source, error) {
	base, err := site.ReadFolder(fsys, templateDir)
	if err != nil {
		return Source{}, err
	}
	official := f.OfficialName
	if official == "" {
		official = "Comune di " + f.Name
	}
	base.Commune = f.commune()
	base.Profile.OfficialName = official
	base.Profile.TownHall = map[string]string{"name": official, "phone": f.Phone}
	base.Profile.Payment = site.PaymentPlace{}
	base.Profile.Mail = site.Sender{From: "sportello@" + f.Slug + ".example", Name: "Sportello online – " + official}
	for i := range base.Profile.Offices {
		o := &base.Profile.Offices[i]
		*o = site.Office{Key: o.Key, Name: o.Name, Tasks: o.Tasks, Phone: f.Phone}
	}
	base.Profile.OpeningHours = nil
	base.Brand = site.Brand{First: f.First, Second: f.Second, Name: official, Line: base.Brand.Line}
	base.Mark = mark(f.Name, f.First)
	return Source{FS: fsys, Dir: templateDir, Folder: base}, nil
}

// mark is a neutral mark: the initial on the commune's first colour.
func mark(name, colour string) []byte {
	initial := "?"
	for _, r := range name {
		initial = strings.ToUpper(string(r))
		break
	}
	ink := "#ffffff"
	if c, err := theme.ParseColour(colour); err == nil {
		white, _ := theme.ParseColour("#ffffff")
		if theme.Contrast(c, white) < 4.5 {
			ink = "#10141a"
		}
		colour = c.String()
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44"><rect width="44" height="44" rx="4" fill="%s"/>`+
		`<text x="22" y="31" font-family="sans-serif" font-size="26" font-weight="700" text-anchor="middle" fill="%s">%s</text></svg>`,
		colour, ink, escape(initial))
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
