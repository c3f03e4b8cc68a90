package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

func keysCommand() *cobra.Command {
	c := group("keys", "The keys of the communes and the master key that wraps them")
	var all, asJSON bool
	rotate := &cobra.Command{
		Use: "rotate [<slug>…]", Short: "Give communes a new key and seal everything anew, while the desks go on",
		RunE: func(c *cobra.Command, slugs []string) error {
			if all == (len(slugs) > 0) {
				return usageError{errors.New("name the communes, or give --all")}
			}
			return withRotator(c, func(a *app.App, r *keys.Rotator) error {
				some, err := communes(c, a, slugs)
				if err != nil {
					return err
				}
				for _, t := range some {
					if err := r.Rotate(c.Context(), t); err != nil {
						return fmt.Errorf("%s: %w. %s", t.Slug(), err, keys.Explain(err))
					}
				}
				return nil
			})
		},
	}
	rotate.Flags().BoolVar(&all, "all", false, "every commune, one after the other")
	status := &cobra.Command{
		Use: "status", Short: "Show every commune's key, its age, and what is not under it", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return withRotator(c, func(a *app.App, r *keys.Rotator) error { return keyStatus(c, a, r, asJSON) })
		},
	}
	status.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(rotate, status, &cobra.Command{
		Use: "seal", Short: "Seal what communes kept before they had keys; the worker does it by itself", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return withRotator(c, func(a *app.App, r *keys.Rotator) error {
				if err := a.SealAll(c.Context(), r.Say); err != nil {
					return fmt.Errorf("%w. %s", err, keys.Explain(err))
				}
				return nil
			})
		},
	}, &cobra.Command{
		Use: "rotate-master", Short: "Wrap all keys under the master key in use; SPORTELLO_MASTER_KEY_PREVIOUS opens them",
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return withRotator(c, func(a *app.App, r *keys.Rotator) error {
				// What pkg/secret sealed under the old master key itself comes first.
				if err := a.SealAll(c.Context(), r.Say); err != nil {
					return fmt.Errorf("%w. %s", err, keys.Explain(err))
				}
				n, err := r.Owner.Rewrap(c.Context())
				fmt.Fprintf(c.OutOrStdout(), "%d keys wrapped anew\n", n)
				if err != nil {
					return fmt.Errorf("%w. %s", err, keys.Explain(err))
				}
				return nil
			})
		},
	})
	return c
}

func withRotator(c *cobra.Command, f func(*app.App, *keys.Rotator) error) error {
	cfg, err := load(config.Tenant)
	if err != nil {
		return err
	}
	a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg, stderr)})
	if err != nil {
		return err
	}
	defer a.Close()
	r, err := a.Rotator(func(s string) { fmt.Fprintln(c.OutOrStdout(), s) })
	if err != nil {
		return err
	}
	return f(a, r)
}

// communes are those named, or all.
func communes(c *cobra.Command, a *app.App, slugs []string) ([]tenancy.Tenant, error) {
	if len(slugs) == 0 {
		return a.DB.Directory().All(c.Context())
	}
	var out []tenancy.Tenant
	for _, s := range slugs {
		t, err := a.DB.Directory().BySlug(c.Context(), s)
		if errors.Is(err, tenancy.ErrUnknown) {
			return nil, fmt.Errorf("there is no commune %q: `sportello tenant list` names them", s)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func keyStatus(c *cobra.Command, a *app.App, r *keys.Rotator, asJSON bool) error {
	all, err := r.Owner.Status(c.Context())
	if err != nil {
		return err
	}
	type line struct {
		keys.KeyStatus
		keys.Count
		Problem string `json:"problem,omitempty"`
	}
	lines := make([]line, len(all))
	for i, s := range all {
		lines[i].KeyStatus = s
		if s.Slug == "" || s.Destroyed {
			continue
		}
		t, err := a.DB.Directory().BySlug(c.Context(), s.Slug)
		if err == nil {
			lines[i].Count, err = r.Left(c.Context(), t)
		}
		if err != nil {
			lines[i].Problem = keys.Explain(err)
		}
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(lines)
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "COMMUNE\tKEY\tAGE\tOLDER KEYS\tSEALED\tUNDER AN OLD KEY\tUNSEALED\tMASTER KEY\tNOTE")
	for _, l := range lines {
		name, note := l.Slug, l.Problem
		switch {
		case l.Slug == "":
			name = "(deployment)"
		case l.Destroyed:
			note = "destroyed"
		case l.Waiting:
			note = "a rotation was interrupted: run `sportello keys rotate " + l.Slug + "`"
		}
		fmt.Fprintf(w, "%s\t%s\t%d d\t%d\t%d\t%d\t%d\t%s\t%s\n", name, l.Key, int(time.Since(l.MadeAt).Hours()/24), l.Older, l.Sealed, l.Old, l.Plain, l.Master, note)
	}
	return w.Flush()
}
