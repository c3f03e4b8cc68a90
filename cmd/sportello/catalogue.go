package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

func publishCommand() *cobra.Command {
	var why string
	var small bool
	c := &cobra.Command{Use: "publish [<service>…]", Short: "Publish shared/services of the folder (all without a name) as new shared versions; each commune then decides"}
	c.Flags().StringVarP(&why, "message", "m", "", "why, in Italian: the communes read it; must be given")
	c.Flags().BoolVar(&small, "small", false, "words and examples only: communes that chose so take it by themselves")
	c.RunE = func(c *cobra.Command, services []string) error {
		if why = strings.TrimSpace(why); why == "" {
			return usageError{errors.New("give -m: the reason that communes read")}
		}
		return with(c, func(a *app.App) error { return a.PublishCatalogue(c.Context(), services, why, small, c.OutOrStdout()) })
	}
	return c
}

func diffCommand() *cobra.Command {
	return &cobra.Command{Use: "diff [<service>…]", Short: "Say what publishing shared/services of the folder would change, for all and in each commune",
		RunE: func(c *cobra.Command, services []string) error {
			return with(c, func(a *app.App) error { return a.DiffCatalogue(c.Context(), services, c.OutOrStdout()) })
		}}
}

func withdrawCommand() *cobra.Command {
	var why string
	c := &cobra.Command{Use: "withdraw <service> <version>", Short: "Take a shared version that is wrong back: nobody can adopt it, and who accepted it reads why", Args: args(cobra.ExactArgs(2))}
	c.Flags().StringVarP(&why, "message", "m", "", "why, in Italian: the communes read it; must be given")
	c.RunE = func(c *cobra.Command, a []string) error {
		version, err := strconv.Atoi(a[1])
		if err != nil || version < 1 {
			return usageError{fmt.Errorf("%q is no version", a[1])}
		}
		if why = strings.TrimSpace(why); why == "" {
			return usageError{errors.New("give -m: the reason that communes read")}
		}
		return with(c, func(p *app.App) error {
			if err := p.Catalogue.Withdraw(c.Context(), identity.System(tenancy.Tenant{}), a[0], version, why); err != nil {
				return fmt.Errorf("version %d of %s: %w; `sportello catalogue diff %[2]s` says which one is published", version, a[0], err)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: version %d withdrawn\n", a[0], version)
			return nil
		})
	}
	return c
}
