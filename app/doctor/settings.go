package doctor

import (
	"context"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/pkg/config"
)

func unknownSettings(_ context.Context, x *exam, _ place) error {
	if x.Config.Database.URL == "" {
		return fails("SPORTELLO_DATABASE_URL is not set; give the address of the runtime login")
	}
	if unknown := x.Config.Unknown(); len(unknown) > 0 {
		return warns("%s is set and is no setting of ours; look for a misspelling in configs/sportello.yaml", strings.Join(unknown, ", "))
	}
	return nil
}

// demoMode refuses personas where others than this machine could meet them.
func demoMode(_ context.Context, x *exam, _ place) error {
	s := x.Config.Server
	if !x.Config.Demo {
		return errNothing
	}
	for _, reachable := range []struct {
		yes  bool
		what string
	}{
		{s.PublicScheme == "https", "SPORTELLO_PUBLIC_SCHEME is https"},
		{s.BaseDomain != "localhost" && !strings.HasSuffix(s.BaseDomain, ".localhost"), "SPORTELLO_BASE_DOMAIN is " + s.BaseDomain},
		{!config.Loopback(s.Addr), "SPORTELLO_ADDR is " + s.Addr},
	} {
		if reachable.yes {
			return fails("SPORTELLO_DEMO is set, and %s: anybody can become anybody; remove SPORTELLO_DEMO", reachable.what)
		}
	}
	return nil
}

// secretFiles: a secret that others of the machine can read is none.
func secretFiles(_ context.Context, x *exam, _ place) error {
	files := x.Config.SecretFiles()
	var open []string
	for _, env := range slices.Sorted(maps.Keys(files)) {
		info, err := os.Stat(files[env])
		if err != nil {
			return fails("%s_FILE cannot be looked at; let this account read %s", env, files[env])
		}
		switch mode := info.Mode().Perm(); {
		case mode&0o022 != 0:
			return fails("everybody may change %s, which holds %s; run `chmod 600 %s`", files[env], env, files[env])
		case mode&0o007 != 0 && !strings.HasPrefix(files[env], "/run/secrets/"): // a container's: nobody else is in there
			open = append(open, files[env])
		}
	}
	if len(open) > 0 {
		return warns("every account of this machine may read %s; run `chmod 600 %s`", strings.Join(open, ", "), strings.Join(open, " "))
	}
	return nil
}

// baseDomain: names under .localhost are this machine by definition.
func baseDomain(ctx context.Context, x *exam, _ place) error {
	base := x.Config.Server.BaseDomain
	if base == "localhost" || strings.HasSuffix(base, ".localhost") {
		return errNothing
	}
	for _, host := range []string{base, "ente." + base} {
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return fails("%s resolves to no address; let %s and *.%s point at the proxy, or correct SPORTELLO_BASE_DOMAIN", host, base, base)
		}
	}
	return nil
}
