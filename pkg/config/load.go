package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/goccy/go-yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"

	"github.com/sportello-ticino/sportello/configs"
)

// Prefix begins the name of every variable read.
const Prefix = "SPORTELLO_"

// notSettings are variables with our prefix that other parts read: the settings
// file itself, and what only tests look at.
var notSettings = []string{"SPORTELLO_CONFIG", "SPORTELLO_STANDARDS_DIR"}

// Load reads the settings from the defaults, the file named by SPORTELLO_CONFIG
// and environ (in the form of os.Environ). The error names each setting that
// cannot be used, all of them at once.
func Load(environ []string) (Config, error) {
	env := map[string]string{}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, Prefix) {
			env[name] = value
		}
	}
	k := koanf.New(".")
	sources := map[string]string{}
	if err := k.Load(rawbytes.Provider(configs.Sportello), yamlParser{}); err != nil {
		return Config{}, fmt.Errorf("configs/sportello.yaml: %w", err)
	}
	for _, key := range k.Keys() {
		sources[key] = "default"
	}
	if err := overlayFile(k, sources, env["SPORTELLO_CONFIG"]); err != nil {
		return Config{}, err
	}
	unknown, err := overlayEnvironment(k, sources, env)
	if err != nil {
		return Config{}, err
	}
	var c Config
	err = k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			mapstructure.StringToTimeDurationHookFunc(), commaList),
		WeaklyTypedInput: true,
		ErrorUnused:      true, // a misspelt line of a settings file is an error, not a default
		TagName:          "koanf",
		Result:           &c,
	}})
	if err != nil {
		return Config{}, fmt.Errorf("settings: %w", err)
	}
	c.sources, c.unknown = sources, unknown
	return c, c.validate()
}

func overlayFile(k *koanf.Koanf, sources map[string]string, path string) error {
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("SPORTELLO_CONFIG: %w", err)
	}
	file := koanf.New(".")
	if err := file.Load(rawbytes.Provider(data), yamlParser{}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, key := range file.Keys() {
		sources[key] = path
	}
	return k.Merge(file)
}

// overlayEnvironment lays the variables over k and returns the names of those
// that are no setting.
func overlayEnvironment(k *koanf.Koanf, sources map[string]string, env map[string]string) ([]string, error) {
	known := slices.Clone(notSettings)
	values := map[string]any{}
	for _, s := range settings() {
		known = append(known, s.Env)
		if v, ok := env[s.Env]; ok {
			values[s.Key], sources[s.Key] = v, s.Env
		}
		if s.secret == "" {
			continue
		}
		known = append(known, s.Env+"_FILE")
		path := env[s.Env+"_FILE"]
		if path == "" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s_FILE: %w", s.Env, err)
		}
		values[s.Key], sources[s.Key] = strings.TrimSpace(string(data)), path
	}
	var unknown []string
	for name := range env {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown, k.Load(confmap.Provider(values, "."), nil)
}

// commaList turns "a, b" from a variable into a list, and "" into an empty one.
func commaList(from, to reflect.Type, value any) (any, error) {
	if from.Kind() != reflect.String || to.Kind() != reflect.Slice {
		return value, nil
	}
	list := []string{}
	for part := range strings.SplitSeq(value.(string), ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list, nil
}

// yamlParser lets koanf read YAML with the library the rest of the code uses.
type yamlParser struct{}

func (yamlParser) Unmarshal(b []byte) (map[string]any, error) {
	m := map[string]any{}
	err := yaml.Unmarshal(b, &m)
	return m, err
}

func (yamlParser) Marshal(m map[string]any) ([]byte, error) { return yaml.Marshal(m) }
