package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
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
