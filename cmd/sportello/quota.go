package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/quotas"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// quotaCommand shows what a commune may use, and grants it more or less.
func quotaCommand() *cobra.Command {
	var asJSON bool
	typed := map[string]*string{quotas.Storage: new(string), quotas.Mails: new(string), quotas.API: new(string)}
	c := &cobra.Command{
		Use: "quota <slug>", Short: "Show or change what a commune may store, mail and call", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			want := map[string]*int64{}
			for kind, s := range typed {
				if !c.Flags().Changed(kind) {
					continue
				}
				n, err := parseQuota(kind, *s)
				if err != nil {
					return usageError{fmt.Errorf("--%s: %w", kind, err)}
				}
				want[kind] = n
			}
			return quota(c, a[0], want, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(typed[quotas.Storage], quotas.Storage, "", `bytes of uploads and documents, such as 80GB; "default" takes what was granted back`)
	f.StringVar(typed[quotas.Mails], quotas.Mails, "", `mails per month, or "default"`)
	f.StringVar(typed[quotas.API], quotas.API, "", `calls of /api/v1 per day, or "default"`)
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// parseQuota reads a flag; nil is the default.
func parseQuota(kind, typed string) (*int64, error) {
	if typed == "default" {
		return nil, nil
	}
	if kind == quotas.Storage {
		bytes, err := humanize.ParseBytes(typed)
		if err != nil || bytes > math.MaxInt64 {
			return nil, fmt.Errorf("%q is no size such as 80GB", typed)
		}
		n := int64(bytes) //nolint:gosec // checked above
		return &n, nil
	}
	n, err := strconv.ParseInt(typed, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no whole number", typed)
	}
	return &n, nil
}

func quota(c *cobra.Command, slug string, want map[string]*int64, asJSON bool) error {
	cfg, err := load(config.Tenant)
	if err != nil {
		return err
	}
	a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg, stderr)})
	if err != nil {
		return err
	}
	defer a.Close()
	t, err := a.DB.Directory().BySlug(c.Context(), slug)
	if errors.Is(err, tenancy.ErrUnknown) {
		return fmt.Errorf("there is no commune %q: `sportello tenant list` names them", slug)
	}
	if err != nil {
		return err
	}
	if len(want) > 0 {
		if err := a.Quotas.Set(c.Context(), identity.System(tenancy.Tenant{}), t, want); errors.Is(err, quotas.ErrRange) {
			return usageError{errors.New("a quota lies between 0 and 100000GB, mails and calls between 0 and 1000000000")}
		} else if err != nil {
			return err
		}
	}
	list, err := a.Quotas.Uses(c.Context(), t)
	if err != nil {
		return err
	}
	type line struct {
		Kind    string `json:"kind"`
		Used    int64  `json:"used"`
		Quota   int64  `json:"quota"`
		PerCent int    `json:"per_cent"`
		Default bool   `json:"default"`
		Waiting int64  `json:"waiting"`
	}
	lines := make([]line, len(list))
	for i, u := range list {
		lines[i] = line{u.Kind, u.Used, u.Quota, u.PerCent(), !u.Own, u.Waiting}
	}
	if asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(lines)
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "QUOTA\tUSED\tGRANTED\t%\tDEFAULT\tWAITING")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%t\t%d\n", l.Kind, l.Used, l.Quota, l.PerCent, l.Default, l.Waiting)
	}
	return w.Flush()
}
