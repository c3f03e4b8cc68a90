package definition

import (
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Calendar is a calendar of official holidays, read from
// shared/calendars/<name>.yaml. It is a rules.Calendar.
type Calendar struct {
	Name     string
	holidays map[string]string // day → name
	last     int               // the last year it knows
}

// ReadCalendar reads a calendar by its name.
func ReadCalendar(root fs.FS, name string) (*Calendar, error) {
	file := path.Join("shared/calendars", name+".yaml")
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	var read struct {
		Name     string `yaml:"name"`
		Holidays []struct {
			Date    string `yaml:"date"`
			Name    string `yaml:"name"`
			Equated bool   `yaml:"equated"`
		} `yaml:"holidays"`
	}
	if err := yaml.UnmarshalWithOptions(data, &read, yaml.Strict()); err != nil {
		return nil, source.Syntax(file, err)
	}
	c := &Calendar{Name: name, holidays: map[string]string{}}
	for _, h := range read.Holidays {
		day, err := time.Parse(time.DateOnly, h.Date)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no day", file, h.Date)
		}
		c.holidays[h.Date], c.last = h.Name, max(c.last, day.Year())
	}
	return c, nil
}

// Holiday reports whether the day of t, in Zurich, is an official holiday.
func (c *Calendar) Holiday(t time.Time) bool { return c.NameOf(t) != "" }

// NameOf is what the holiday of that day is called; "" on other days.
func (c *Calendar) NameOf(t time.Time) string {
	return c.holidays[t.In(i18n.Zurich).Format(time.DateOnly)]
}

// LastYear is the last year whose holidays are known: terms that reach beyond
// it are reckoned without holidays, and somebody should add the next one.
func (c *Calendar) LastYear() int { return c.last }

// ReadCommune reads what a check needs to know of a commune's folder.
func ReadCommune(root fs.FS, folder string) (Commune, error) {
	file := path.Join(folder, "tenant.yaml")
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return Commune{}, fmt.Errorf("definition: %w", err)
	}
	var read struct {
		Places []struct {
			Postcode string `yaml:"postcode"`
		} `yaml:"places"`
	}
	if err := yaml.Unmarshal(data, &read); err != nil {
		return Commune{}, source.Syntax(file, err)
	}
	commune := Commune{Folder: folder}
	for _, place := range read.Places {
		commune.Postcodes = append(commune.Postcodes, place.Postcode)
	}
	return commune, nil
}
