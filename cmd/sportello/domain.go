package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/domains"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// domainLine is a domain as the command line tells it.
type domainLine struct {
	Host        string           `json:"host"`
	State       domains.State    `json:"state"`
	Main        bool             `json:"main"`
	Well        bool             `json:"well"`
	Finding     string           `json:"finding,omitempty"`
	Certificate string           `json:"certificate_until,omitempty"`
	Expires     string           `json:"expires,omitempty"`
	Records     []domains.Record `json:"records,omitempty"`
}

// domainCommand is a commune's own domain on the command line: the same steps as
// on the consoles, done by the entity.
func domainCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "domain", Short: "A commune's own domain"}
	c.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(&cobra.Command{
		Use: "list <slug>", Short: "List a commune's domains", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			return withDomains(c.Context(), a[0], func(d *app.App, t tenancy.Tenant) error {
				list, err := d.Domains.List(c.Context(), t)
				if err != nil {
					return err
				}
				return printDomains(c.Context(), c.OutOrStdout(), d, list, asJSON)
			})
		},
	}, &cobra.Command{
		Use: "add <slug> <host>", Short: "Ask for a domain; prints the records that prove it", Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, a []string) error {
			return withDomains(c.Context(), a[0], func(d *app.App, t tenancy.Tenant) error {
				one, err := d.Domains.Ask(c.Context(), identity.System(t), t, a[1])
				if err != nil {
					return plain(d, err)
				}
				return printDomains(c.Context(), c.OutOrStdout(), d, []domains.Domain{one}, asJSON)
			})
		},
	}, &cobra.Command{
		Use: "check <slug> <host>", Short: "Check a domain now; exits with 1 until it is live and well", Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, a []string) error {
			return withDomains(c.Context(), a[0], func(d *app.App, t tenancy.Tenant) error {
				one, err := d.Domains.Check(c.Context(), identity.System(t), t, hostArg(a[1]))
				if err != nil {
					return plain(d, err)
				}
				if err := printDomains(c.Context(), c.OutOrStdout(), d, []domains.Domain{one}, asJSON); err != nil {
					return err
				}
				if one.State != domains.Live || !one.Well {
					return fmt.Errorf("%s is not ready: %s %s", one.Host, one.State, one.Finding+one.Refused)
				}
				return nil
			})
		},
	}, &cobra.Command{
		Use: "main <slug> [host]", Short: "Make a live domain the main address; without a host go back to <slug>.<base>", Args: args(cobra.RangeArgs(1, 2)),
		RunE: func(c *cobra.Command, a []string) error {
			return withDomains(c.Context(), a[0], func(d *app.App, t tenancy.Tenant) error {
				host := ""
				if len(a) == 2 {
					host = hostArg(a[1])
				}
				if err := d.Domains.Main(c.Context(), identity.System(t), t, host); err != nil {
					return plain(d, err)
				}
				return listAfter(c, d, t, asJSON)
			})
		},
	}, &cobra.Command{
		Use: "remove <slug> <host>", Short: "Take a domain away: the commune answers there no longer", Args: args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, a []string) error {
			return withDomains(c.Context(), a[0], func(d *app.App, t tenancy.Tenant) error {
				if err := d.Domains.Remove(c.Context(), identity.System(t), t, hostArg(a[1])); err != nil {
					return plain(d, err)
				}
				return listAfter(c, d, t, asJSON)
			})
		},
	})
	return c
}

// hostArg is a host as the directory knows it, or as typed where it is no name:
// then nothing is found.
func hostArg(typed string) string {
	if h, err := domains.Normal(typed, "."); err == nil {
		return h
	}
	return typed
}

func withDomains(ctx context.Context, slug string, do func(*app.App, tenancy.Tenant) error) error {
	cfg, err := load(config.Tenant)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Log: logger(cfg, stderr)})
	if err != nil {
		return err
	}
	defer a.Close()
	t, err := a.DB.Directory().BySlug(ctx, slug)
	if errors.Is(err, tenancy.ErrUnknown) {
		return fmt.Errorf("there is no commune %q: `sportello tenant list` names them", slug)
	}
	if err != nil {
		return err
	}
	return do(a, t)
}

// plain tells a refusal in the words of the console; what was typed wrongly exits
// with 2.
func plain(a *app.App, err error) error {
	p := problem.From(err)
	if p.Kind == problem.KindInternal {
		return err
	}
	said := fmt.Errorf("%s (%s)", i18n.T(i18n.WithLang(context.Background(), a.Texts, i18n.Reference), p.Key), p.Code)
	if p.Kind == problem.KindInvalid {
		return usageError{said}
	}
	return said
}

func listAfter(c *cobra.Command, a *app.App, t tenancy.Tenant, asJSON bool) error {
	list, err := a.Domains.List(c.Context(), t)
	if err != nil {
		return err
	}
	return printDomains(c.Context(), c.OutOrStdout(), a, list, asJSON)
}

func printDomains(ctx context.Context, out io.Writer, a *app.App, list []domains.Domain, asJSON bool) error {
	lines := []domainLine{}
	for _, d := range list {
		l := domainLine{Host: d.Host, State: d.State, Main: d.Main, Well: d.Well, Finding: d.Finding + d.Refused}
		if d.Certificate != nil {
			l.Certificate = d.Certificate.UTC().Format("2006-01-02")
		}
		if d.State == domains.Waiting {
			l.Expires = d.ExpiresAt.UTC().Format("2006-01-02")
		}
		if !d.Folder && (d.State == domains.Waiting || d.State == domains.Live) {
			l.Records = a.Domains.Records(ctx, d)
		}
		lines = append(lines, l)
	}
	if asJSON {
		return json.NewEncoder(out).Encode(lines)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tSTATE\tMAIN\tWELL\tCERTIFICATE\tFINDING")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%t\t%t\t%s\t%s\n", l.Host, l.State, l.Main, l.Well, l.Certificate, l.Finding)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, l := range lines {
		for _, r := range l.Records {
			if !r.There {
				fmt.Fprintf(out, "%s  %s  %s\n", r.Name, r.Type, r.Value)
			}
		}
	}
	return nil
}
