package config_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/configs"
	"github.com/sportello-ticino/sportello/pkg/config"
)

var key = base64.StdEncoding.EncodeToString(make([]byte, config.MasterKeySize))

func load(t *testing.T, environ ...string) config.Config {
	t.Helper()
	c, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsAreUsableAndComplete(t *testing.T) {
	c := load(t)
	if c.Server.Addr != "127.0.0.1:8080" || c.Server.OpsAddr != "127.0.0.1:9100" || c.Server.BaseDomain != "localhost" ||
		c.Server.Data != ".sportello" || c.Database.LockTimeout != 2*time.Second || c.Demo {
		t.Errorf("defaults differ from the documented ones: %+v", c)
	}
	file := string(configs.Sportello)
	for _, s := range c.Redacted() {
		if s.Source != "default" {
			t.Errorf("%s has no default in sportello.yaml", s.Key)
		}
		// One comment per setting, naming its variable.
		if !strings.Contains(file, "# "+s.Env+":") && !strings.Contains(file, "# "+s.Env+"\n") {
			t.Errorf("sportello.yaml does not explain %s", s.Env)
		}
	}
}

func TestLaterSourcesWin(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "own.yaml")
	write(t, file, "server:\n  addr: 127.0.0.1:1111\n  base_domain: sportello.example\nworker:\n  concurrency: 3\n")
	secret := filepath.Join(dir, "key")
	write(t, secret, key+"\n")
	c := load(t, "SPORTELLO_CONFIG="+file, "SPORTELLO_ADDR=127.0.0.1:2222", "SPORTELLO_MASTER_KEY_FILE="+secret,
		"SPORTELLO_TRUSTED_PROXIES=10.0.0.0/8, 192.168.1.0/24", "SPORTELLO_DATABASE_ACQUIRE_TIMEOUT=3s",
		"SPORTELLO_ADR=typo", "PATH=/bin")
	if c.Server.Addr != "127.0.0.1:2222" || c.Server.BaseDomain != "sportello.example" || c.Worker.Concurrency != 3 {
		t.Errorf("wrong precedence: %+v", c.Server)
	}
	if !slices.Equal(c.Server.TrustedProxies, []string{"10.0.0.0/8", "192.168.1.0/24"}) || c.Database.AcquireTimeout != 3*time.Second {
		t.Errorf("list or duration from a variable: %v %v", c.Server.TrustedProxies, c.Database.AcquireTimeout)
	}
	if b, err := c.Keys.Master(); err != nil || len(b) != config.MasterKeySize {
		t.Errorf("master key from a file: %d bytes, %v", len(b), err)
	}
	if !slices.Equal(c.Unknown(), []string{"SPORTELLO_ADR"}) {
		t.Errorf("unknown variables: %v", c.Unknown())
	}
	sources := map[string]string{}
	for _, s := range c.Redacted() {
		sources[s.Env] = s.Source
	}
	if sources["SPORTELLO_ADDR"] != "SPORTELLO_ADDR" || sources["SPORTELLO_BASE_DOMAIN"] != file || sources["SPORTELLO_MASTER_KEY"] != secret {
		t.Errorf("sources: %v", sources)
	}
}

func TestRefusesWhatCannotBeUsed(t *testing.T) {
	misspelt := filepath.Join(t.TempDir(), "own.yaml")
	write(t, misspelt, "server:\n  adr: 127.0.0.1:1\n")
	for _, c := range []struct{ env, says string }{
		{"SPORTELLO_ADDR=8080", "SPORTELLO_ADDR"},
		{"SPORTELLO_PUBLIC_SCHEME=ftp", "http, https"},
		{"SPORTELLO_BASE_DOMAIN=Sportello_CH", "SPORTELLO_BASE_DOMAIN"},
		{"SPORTELLO_TRUSTED_PROXIES=10.0.0.1", "CIDR"},
		{"SPORTELLO_DOMAINS_RESOLVER=9.9.9.9", "SPORTELLO_DOMAINS_RESOLVER"},
		{"SPORTELLO_DOMAINS_ADDRESSES=front.example", "IP address"},
		{"SPORTELLO_MASTER_KEY=c2hvcnQ=", "32 bytes"},
		{"SPORTELLO_MASTER_KEY_FILE=/does/not/exist", "SPORTELLO_MASTER_KEY_FILE"},
		{"SPORTELLO_DATABASE_URL=mysql://u:hunter2@h/d", "postgres://"},
		{"SPORTELLO_REDIS_URL=:6379", "redis://"},
		{"SPORTELLO_SMTP_TLS=ssl", "opportunistic"},
		{"SPORTELLO_MAIL_SENDER=nobody", "mail address"},
		{"SPORTELLO_DATABASE_POOL_SIZE=0", "at least 1"},
		{"SPORTELLO_CLAMD_TIMEOUT=0s", "SPORTELLO_CLAMD_TIMEOUT"},
		{"SPORTELLO_STOP_TIMEOUT=soon", "stop_timeout"},
		{"SPORTELLO_CONFIG=" + misspelt, "adr"},
		{"SPORTELLO_CONFIG=/does/not/exist", "SPORTELLO_CONFIG"},
	} {
		_, err := config.Load([]string{c.env})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error that says %q", c.env, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error repeats the password: %v", c.env, err)
		}
	}
}

func TestEachCommandHasItsNeeds(t *testing.T) {
	full := []string{"SPORTELLO_DATABASE_URL=postgres://u:p@h/d", "SPORTELLO_REDIS_URL=redis://h", "SPORTELLO_MASTER_KEY=" + key}
	for _, c := range []struct {
		name string
		cmd  config.Command
		env  []string
		says string // "": accepted
	}{
		{"demo with defaults", config.Demo, nil, ""},
		{"demo for all the world", config.Demo, []string{"SPORTELLO_ADDR=0.0.0.0:8080"}, "loopback"},
		{"demo on every interface", config.Demo, []string{"SPORTELLO_OPS_ADDR=:9100"}, "loopback"},
		{"demo on ::1", config.Demo, []string{"SPORTELLO_ADDR=[::1]:8080"}, ""},
		{"serve without a key", config.Serve, full[:2], "SPORTELLO_MASTER_KEY"},
		{"serve", config.Serve, full, ""},
		{"serve with the owner's address", config.Serve, append(full, "SPORTELLO_OWNER_DATABASE_URL=postgres://o:p@h/d"), "must not be set"},
		{"serve as a demo", config.Serve, append(full, "SPORTELLO_DEMO=true"), "SPORTELLO_DEMO"},
		{"worker without mail", config.Work, full, "SPORTELLO_SMTP_ADDR"},
		{"worker", config.Work, append(full, "SPORTELLO_SMTP_ADDR=mail:25"), ""},
		{"migrate without the owner", config.Migrate, full, "SPORTELLO_OWNER_DATABASE_URL"},
	} {
		err := load(t, c.env...).For(c.cmd)
		if (c.says == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
	}
}

func TestRedactedShowsNoSecret(t *testing.T) {
	c := load(t, "SPORTELLO_DATABASE_URL=postgres://app:hunter2@h/d", "SPORTELLO_REDIS_URL=redis://:hunter2@h",
		"SPORTELLO_OWNER_DATABASE_URL=postgres://h/d?user=o&password=hunter2",
		"SPORTELLO_MASTER_KEY="+key, "SPORTELLO_SMTP_PASSWORD=hunter2")
	for _, s := range c.Redacted() {
		if strings.Contains(s.Value, "hunter2") || strings.Contains(s.Value, key) {
			t.Errorf("%s shows its secret: %s", s.Key, s.Value)
		}
		if s.Env == "SPORTELLO_DATABASE_URL" && s.Value != "postgres://app:xxxxx@h/d" {
			t.Errorf("an address stays readable without its password, got %s", s.Value)
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, "http://x.localhost:8080"},
		{[]string{"SPORTELLO_ADDR=127.0.0.1:80"}, "http://x.localhost"},
		{[]string{"SPORTELLO_PUBLIC_SCHEME=https"}, "https://x.localhost"},
		{[]string{"SPORTELLO_PUBLIC_SCHEME=https", "SPORTELLO_PUBLIC_PORT=8443"}, "https://x.localhost:8443"},
	} {
		if got := load(t, c.env...).Server.URL("x.localhost"); got != c.want {
			t.Errorf("%v: got %s, want %s", c.env, got, c.want)
		}
	}
	if got := load(t, "SPORTELLO_DATA=/srv/s").BlobURL(); got != "file:///srv/s/blobs" {
		t.Errorf("blobs: %s", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The demo has no proxy to tell that it is going.
func TestDrainDelayMayBeZeroAndNotLess(t *testing.T) {
	for value, ok := range map[string]bool{"0s": true, "3s": true, "-1s": false} {
		if _, err := config.Load([]string{"SPORTELLO_DRAIN_DELAY=" + value}); (err == nil) != ok {
			t.Errorf("%s: %v", value, err)
		}
	}
}
