// Package site is a commune's face: what it is called, its colours and mark,
// its offices with their hours, its languages, sender and providers.
//
// It begins in tenants/<commune>/tenant.yaml and brand/, lives in the
// commune's settings table and is changed on its console. Apply never
// overwrites what the console changed. It does not own the services
// (catalogue) nor the people (identity).
package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/theme"
)

// Topic is what a change of a setting bumps.
const Topic = "site"

// The keys of the settings table.
const (
	keyProfile = "profile"
	keyBrand   = "brand"
	keyMark    = "mark"
)

// Office is a desk of the commune that answers for services.
type Office struct {
	Key     string `yaml:"key" json:"key"`
	Name    string `yaml:"name" json:"name"`
	Tasks   string `yaml:"tasks" json:"tasks,omitempty"`
	Address string `yaml:"address" json:"address,omitempty"`
	Phone   string `yaml:"phone" json:"phone,omitempty"`
	Email   string `yaml:"email" json:"email,omitempty"`
	Hours   string `yaml:"hours" json:"hours,omitempty"`
}

// Hours is a general desk with its opening hours.
type Hours struct {
	Name    string `yaml:"name" json:"name"`
	Hours   string `yaml:"hours" json:"hours"`
	Address string `yaml:"address" json:"address,omitempty"`
	Phone   string `yaml:"phone" json:"phone,omitempty"`
}

// Place is a postcode of the commune.
type Place struct {
	Postcode string `yaml:"postcode" json:"postcode"`
	Name     string `yaml:"name" json:"name"`
}

// Extent is a box around the commune's territory in LV95, in metres.
type Extent struct {
	West  int `yaml:"west" json:"west"`
	South int `yaml:"south" json:"south"`
	East  int `yaml:"east" json:"east"`
	North int `yaml:"north" json:"north"`
}

// Profile is what tenant.yaml says beyond the directory entry.
type Profile struct {
	OfficialName  string            `yaml:"official_name" json:"official_name"`
	Languages     []string          `yaml:"languages" json:"languages"`
	Calendar      string            `yaml:"calendar" json:"calendar"`
	TownHall      map[string]string `yaml:"town_hall" json:"town_hall"`
	OpeningHours  []Hours           `yaml:"opening_hours" json:"opening_hours"`
	Offices       []Office          `yaml:"offices" json:"offices"`
	Places        []Place           `yaml:"places" json:"places"`
	Quarters      []string          `yaml:"quarters" json:"quarters"`
	LandSections  []string          `yaml:"land_sections" json:"land_sections,omitempty"` // of the land register
	Extent        Extent            `yaml:"extent" json:"extent,omitzero"`
	FooterOffices []string          `yaml:"footer_offices" json:"footer_offices"`
	Providers     map[string]string `yaml:"providers" json:"providers"`
	Payment       PaymentPlace      `yaml:"payment" json:"payment"`
	Mail          Sender            `yaml:"mail" json:"mail"`
}

// PaymentPlace is where the commune takes money: each is its own merchant.
type PaymentPlace struct {
	IBAN    string   `yaml:"iban" json:"iban"`
	SpaceID int64    `yaml:"space_id" json:"space_id"`
	UserID  int64    `yaml:"user_id" json:"user_id"`
	Methods []string `yaml:"methods" json:"methods"`
}

// Sender is who the commune's mail comes from.
type Sender struct {
	From string `yaml:"from" json:"from"`
	Name string `yaml:"name" json:"name"`
}

// Brand is what the console's brand page changes.
type Brand struct {
	First  string `yaml:"first" json:"first"`
	Second string `yaml:"second" json:"second"`
	Name   string `yaml:"name" json:"name"`
	Line   string `yaml:"line" json:"line"`
}

// Site is a commune's face, ready for a page. Shared: readers must not change it.
type Site struct {
	Profile
	Brand    Brand
	ThemeCSS []byte
	MarkSVG  []byte
	// ThemePath and MarkPath carry a hash of the content, so that browsers may
	// keep them for a year.
	ThemePath, MarkPath string

	offices map[string]Office
}

// Office finds an office by its key; a key nobody described is its own name.
func (s *Site) Office(key string) Office {
	if o, ok := s.offices[key]; ok {
		return o
	}
	return Office{Key: key, Name: key}
}

// PhoneOf is the number of an office, of the town hall where it has none, or "".
func (s *Site) PhoneOf(office string) string {
	if phone := s.Office(office).Phone; phone != "" {
		return phone
	}
	return s.TownHall["phone"]
}

// Sites caches the face of every commune.
type Sites = tenancy.Cached[*Site]

// NewSites makes the cache.
func NewSites(db *tenancy.DB) *Sites { return tenancy.NewCached(db, Topic, Load) }

// Load reads a commune's face.
func Load(tx *tenancy.Tx) (*Site, error) {
	s := &Site{offices: map[string]Office{}}
	var mark string
	into := map[string]any{keyProfile: &s.Profile, keyBrand: &s.Brand, keyMark: &mark}
	rows, err := tx.Query("select key, value from settings where key = any($1)", []string{keyProfile, keyBrand, keyMark})
	if err != nil {
		return nil, err
	}
	var key string
	var raw []byte
	if _, err := pgx.ForEachRow(rows, []any{&key, &raw}, func() error { return json.Unmarshal(raw, into[key]) }); err != nil {
		return nil, err
	}
	for _, o := range s.Offices {
		s.offices[o.Key] = o
	}
	if s.OfficialName == "" {
		s.OfficialName = tx.Tenant().Name()
	}
	if s.Brand.Name == "" {
		s.Brand.Name = s.OfficialName
	}
	if err := s.paint(mark); err != nil {
		return nil, err
	}
	return s, nil
}

// NewSite paints a face that lies in no database: the shared entity's.
func NewSite(p Profile, b Brand, mark []byte) (*Site, error) {
	s := &Site{Profile: p, Brand: b, offices: map[string]Office{}}
	return s, s.paint(string(mark))
}

func (s *Site) paint(mark string) error {
	t, err := theme.Generate(s.Brand.First, s.Brand.Second)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	s.ThemeCSS, s.MarkSVG = []byte(t.CSS()), []byte(mark)
	s.ThemePath = "/tema/" + digest(s.ThemeCSS) + ".css"
	s.MarkPath = "/marchio/" + digest(s.MarkSVG) + ".svg"
	return nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func get(tx *tenancy.Tx, key string, into any) (origin string, err error) {
	var raw []byte
	err = tx.QueryRow("select value, origin from settings where key = $1", key).Scan(&raw, &origin)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return origin, json.Unmarshal(raw, into)
}

func set(tx *tenancy.Tx, key string, value any, origin string) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into settings (key, value, origin) values ($1, $2, $3)
		on conflict (key) do update set value = excluded.value, origin = excluded.origin, updated_at = now()`,
		key, string(raw), origin); err != nil {
		return err
	}
	return tx.Bump(Topic)
}

// ReadBrand reads the brand that is in force, for a form that edits it.
func ReadBrand(tx *tenancy.Tx) (Brand, error) {
	var b Brand
	_, err := get(tx, keyBrand, &b)
	return b, err
}

// SaveBrand keeps what an administrator chose. The caller has checked it.
func SaveBrand(tx *tenancy.Tx, b Brand) error { return set(tx, keyBrand, b, "console") }

// SavePayment keeps the commune's merchant place as entered on the console.
func SavePayment(tx *tenancy.Tx, p PaymentPlace) error {
	var profile Profile
	if _, err := get(tx, keyProfile, &profile); err != nil {
		return err
	}
	profile.Payment = p
	return set(tx, keyProfile, profile, "console")
}

// Folder is one commune's part of tenants/.
type Folder struct {
	Commune tenancy.Commune
	Profile Profile
	Brand   Brand
	Mark    []byte
}

// ReadFolder reads tenant.yaml and brand/ below dir.
func ReadFolder(fsys fs.FS, dir string) (Folder, error) {
	var f Folder
	raw, err := fs.ReadFile(fsys, path.Join(dir, "tenant.yaml"))
	if err != nil {
		return f, err
	}
	var head struct {
		Slug        string   `yaml:"slug"`
		Name        string   `yaml:"name"`
		RefPrefix   string   `yaml:"ref_prefix"`
		BFS         int      `yaml:"bfs_number"`
		Inhabitants int      `yaml:"inhabitants"`
		Hosts       []string `yaml:"hosts"`
	}
	if err := yaml.Unmarshal(raw, &head); err != nil {
		return f, fmt.Errorf("%s/tenant.yaml: %w", dir, err)
	}
	if err := yaml.Unmarshal(raw, &f.Profile); err != nil {
		return f, fmt.Errorf("%s/tenant.yaml: %w", dir, err)
	}
	f.Commune = tenancy.Commune{Slug: head.Slug, Name: head.Name, RefPrefix: head.RefPrefix,
		BFS: head.BFS, Inhabitants: head.Inhabitants, Hosts: head.Hosts}
	if raw, err = fs.ReadFile(fsys, path.Join(dir, "brand/theme.yaml")); err != nil {
		return f, err
	}
	if err := yaml.Unmarshal(raw, &f.Brand); err != nil {
		return f, fmt.Errorf("%s/brand/theme.yaml: %w", dir, err)
	}
	if f.Mark, err = fs.ReadFile(fsys, path.Join(dir, "brand/mark.svg")); err != nil {
		return f, err
	}
	if err := checkMark(f.Mark); err != nil {
		return f, fmt.Errorf("%s/brand/mark.svg: %w", dir, err)
	}
	return f, nil
}

var eventAttribute = regexp.MustCompile(`\son[a-z]+\s*=`)

// checkMark refuses an SVG that could do more than be looked at.
func checkMark(svg []byte) error {
	low := strings.ToLower(string(svg))
	for _, bad := range []string{"<script", "<foreignobject", "javascript:", "<!entity", "<use", "<image", "<style", "href"} {
		if strings.Contains(low, bad) {
			return fmt.Errorf("the mark may not contain %q", bad)
		}
	}
	if handler := eventAttribute.FindString(low); handler != "" {
		return fmt.Errorf("the mark may not contain %q", strings.TrimSpace(handler))
	}
	if !bytes.Contains(svg, []byte("<svg")) || len(svg) > 64<<10 {
		return errors.New("the mark must be one SVG of at most 64 KiB")
	}
	return nil
}

// Apply brings a folder into the commune's settings and returns what changed,
// one line each. What the console changed stays, unless overwrite.
func Apply(tx *tenancy.Tx, f Folder, overwrite bool) ([]string, error) {
	var changed []string
	for _, s := range []struct {
		key   string
		value any
		zero  any
	}{
		{keyProfile, f.Profile, new(Profile)},
		{keyBrand, f.Brand, new(Brand)},
		{keyMark, string(f.Mark), new(string)},
	} {
		origin, err := get(tx, s.key, s.zero)
		if err != nil {
			return nil, err
		}
		switch same := reflect.DeepEqual(reflect.ValueOf(s.zero).Elem().Interface(), s.value); {
		case origin != "" && same:
			continue
		case origin == "console" && !overwrite:
			changed = append(changed, s.key+": kept as changed on the console")
			continue
		}
		if err := set(tx, s.key, s.value, "folder"); err != nil {
			return nil, err
		}
		changed = append(changed, s.key+": taken from the folder")
	}
	return changed, nil
}
