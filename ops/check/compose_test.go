package check_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads the files as the program does, whole profiles included.
func compose(t *testing.T, files ...string) *types.Project {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	details := types.ConfigDetails{WorkingDir: dir, Environment: types.Mapping{"BASE_DOMAIN": "sportello.example", "ACME_EMAIL": "it@sportello.example", "SMTP_ADDR": "relay:25"}}
	for _, f := range files {
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: filepath.Join(dir, f)})
	}
	p, err := loader.LoadWithContext(t.Context(), details, func(o *loader.Options) { o.Profiles = []string{"*"} })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestComposeIsWellFormed: read with the specification's own code, every service
// is confined, watched and started again, and what it names exists.
func TestComposeIsWellFormed(t *testing.T) {
	p := compose(t, "compose.yaml")
	if len(p.Services) < 10 {
		t.Errorf("%d services", len(p.Services))
	}
	once := []string{"migrate", "admin", "folders"}
	for name, s := range p.Services {
		if !slices.Contains(once, name) && s.Restart != "unless-stopped" {
			t.Errorf("%s is not started again", name)
		}
		if !s.ReadOnly && name != "clamd" { // its signatures are renewed in more places than one
			t.Errorf("%s may change its image", name)
		}
		if slices.Contains([]string{"serve", "worker", "postgres", "redis"}, name) && (s.HealthCheck == nil || s.HealthCheck.Disable || len(s.HealthCheck.Test) < 2) {
			t.Errorf("nobody asks %s how it is", name)
		}
		if slices.Contains([]string{"serve", "worker", "backup", "prometheus", "grafana"}, name) && !slices.Contains(s.CapDrop, "ALL") {
			t.Errorf("%s keeps capabilities", name)
		}
		for _, port := range s.Ports {
			if name != "caddy" && port.HostIP != "127.0.0.1" {
				t.Errorf("%s listens to the world on %s", name, port.Published)
			}
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s mounts %s: %v", name, v.Source, err)
				}
				if !v.ReadOnly {
					t.Errorf("%s may write to %s of the repository", name, v.Source)
				}
			}
		}
	}
	secrets, err := os.ReadFile("../secrets.sh")
	if err != nil {
		t.Fatal(err)
	}
	for name := range p.Secrets {
		if !strings.Contains(string(secrets), "make_secret "+name+" ") {
			t.Errorf("secrets.sh does not make %s", name)
		}
	}
}

// TestComposeKeepsCredentialsApart: what faces the web cannot create schemas, and
// nothing but the database's own container knows its superuser.
func TestComposeKeepsCredentialsApart(t *testing.T) {
	for _, files := range [][]string{{"compose.yaml"}, {"compose.yaml", "compose.cluster.yaml"}} {
		for name, s := range compose(t, files...).Services {
			for _, secret := range s.Secrets {
				var may bool
				switch {
				case strings.HasPrefix(secret.Source, "owner_database"):
					may = slices.Contains([]string{"worker", "migrate", "admin"}, name)
				case secret.Source == "postgres_password" || secret.Source == "owner_password":
					may = strings.HasPrefix(name, "postgres")
				default:
					may = true
				}
				if !may {
					t.Errorf("%v: %s is handed %s", files, name, secret.Source)
				}
			}
			for variable := range s.Environment {
				if name == "serve" && strings.Contains(variable, "OWNER") {
					t.Errorf("%v: serve has %s", files, variable)
				}
			}
		}
	}
}

// TestComposeArchivesAndBacksUp: each cluster has an archive, and a folder of its
// own for it.
func TestComposeArchivesAndBacksUp(t *testing.T) {
	p := compose(t, "compose.yaml", "compose.cluster.yaml")
	folder := func(service string) string {
		for _, v := range p.Services[service].Volumes {
			if v.Target == "/backups" {
				return v.Source
			}
		}
		return ""
	}
	for server, backup := range map[string]string{"postgres": "backup", "postgres-nord": "backup-nord"} {
		command := strings.Join(p.Services[server].Command, " ")
		if !strings.Contains(command, "archive_mode=on") || !strings.Contains(command, `archive_command=/backup/archive.sh "%p" "%f" /backups/wal`) {
			t.Errorf("%s archives nothing: %s", server, command)
		}
		if host := p.Services[backup].Environment["PGHOST"]; host == nil || *host != server {
			t.Errorf("%s backs up %v", backup, host)
		}
		if folder(server) == "" || folder(server) != folder(backup) {
			t.Errorf("%s writes to %q, %s to %q", server, folder(server), backup, folder(backup))
		}
	}
	if folder("postgres") == folder("postgres-nord") {
		t.Error("two clusters share one archive")
	}
	for _, script := range []string{"archive.sh", "base.sh", "nightly.sh", "restore.sh"} {
		if info, err := os.Stat("../backup/" + script); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run: %v", script, err)
		}
	}
}
