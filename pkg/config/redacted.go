package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// Setting is one setting as `sportello doctor` prints it.
type Setting struct {
	Key    string // "server.addr"
	Env    string // "SPORTELLO_ADDR"
	Value  string // secrets are replaced by "(set)", passwords in addresses by "xxxxx"
	Source string // "default", the file or the variable it came from

	secret string
	index  []int
}

// settings lists every setting of Config in the order of the structs.
func settings() []Setting {
	var list []Setting
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if !f.IsExported() {
			continue
		}
		if f.Type.Kind() != reflect.Struct {
			list = append(list, newSetting("", f, f.Index))
			continue
		}
		for _, g := range reflect.VisibleFields(f.Type) {
			list = append(list, newSetting(f.Tag.Get("koanf")+".", g, append(f.Index[:1:1], g.Index...)))
		}
	}
	return list
}

func newSetting(group string, f reflect.StructField, index []int) Setting {
	return Setting{
		Key: group + f.Tag.Get("koanf"), Env: Prefix + f.Tag.Get("env"),
		secret: f.Tag.Get("secret"), index: index,
	}
}

// Redacted lists every setting with its value and source, without secrets.
func (c Config) Redacted() []Setting {
	list := settings()
	v := reflect.ValueOf(c)
	for i := range list {
		s := &list[i]
		s.Source = c.sources[s.Key]
		s.Value = redact(s.secret, v.FieldByIndex(s.index).Interface())
	}
	return list
}

func redact(secret string, value any) string {
	if list, ok := value.([]string); ok {
		return strings.Join(list, ",")
	}
	text := fmt.Sprint(value)
	switch {
	case secret == "" || text == "":
		return text
	case secret == "url":
		// An address that cannot be parsed may hold the password anywhere.
		if u, err := url.Parse(text); err == nil && u.Scheme != "" {
			if q := u.Query(); q.Has("password") {
				q.Set("password", "xxxxx")
				u.RawQuery = q.Encode()
			}
			return u.Redacted()
		}
	}
	return "(set)"
}

// Unknown lists SPORTELLO_* variables that are no setting, usually misspelt.
func (c Config) Unknown() []string { return c.unknown }

// SecretFiles are the files that secrets were read from, by the variable of the
// setting: the file named by <VARIABLE>_FILE, or the settings file they stand in.
func (c Config) SecretFiles() map[string]string {
	out := map[string]string{}
	v := reflect.ValueOf(c)
	for _, s := range settings() {
		source := c.sources[s.Key]
		if s.secret == "" || v.FieldByIndex(s.index).IsZero() || source == "" || source == "default" || strings.HasPrefix(source, Prefix) {
			continue
		}
		out[s.Env] = source
	}
	return out
}
