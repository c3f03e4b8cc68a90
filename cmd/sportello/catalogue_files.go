package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/catalogue"
)

// catalogueFiles are the commands that bring services out as files and in again.
func catalogueFiles() []*cobra.Command {
	return []*cobra.Command{{
		Use: "schema", Short: "Print the JSON Schema 2020-12 of a service's file", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			schema, err := catalogue.Schema()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(schema)
			return err
		},
	}, exportServicesCommand(), importServiceCommand(), convertCommand()}
}

func exportServicesCommand() *cobra.Command {
	var dir string
	var merged bool
	c := &cobra.Command{
		Use: "export <commune> [<service>…]", Short: "Print what a commune offers as YAML: its own particulars, or with --merged whole definitions",
		Long: "Prints one services.yaml with the commune's particulars, of all services or of some.\nWith --merged the whole definition of one service; of several, give --dir: one file each.\nComments are not kept; exported, imported and exported again the bytes are the same.",
		Args: args(cobra.MinimumNArgs(1)),
	}
	c.Flags().BoolVar(&merged, "merged", false, "whole definitions instead of what differs")
	c.Flags().StringVar(&dir, "dir", "", "folder to write one file per service into")
	c.RunE = func(c *cobra.Command, a []string) error {
		if merged && dir == "" && len(a) != 2 {
			return usageError{errors.New("name one service, or give --dir")}
		}
		return with(c, func(desk *app.App) error {
			files, err := desk.ExportServices(c.Context(), a[0], a[1:], merged)
			if err != nil {
				return noCommune(a[0], err)
			}
			for _, f := range files {
				if dir == "" {
					if _, err := c.OutOrStdout().Write(f.Data); err != nil {
						return err
					}
					continue
				}
				path := filepath.Join(dir, f.Name)
				if err := os.WriteFile(path, f.Data, 0o644); err != nil { //nolint:gosec // files for a repository
					return err
				}
				fmt.Fprintln(c.OutOrStdout(), path)
			}
			return nil
		})
	}
	return c
}

func importServiceCommand() *cobra.Command {
	var keep bool
	c := &cobra.Command{
		Use: "import <commune> <service> <file>", Short: "Show what a service's file would change and run its examples; --keep makes it the pending edit",
		Long: "Prints every difference from what is in force and every example that fails.\nWith --keep it waits on the commune's console to be published; without, nothing is kept.\nExit code 1 when the file is wrong or an example fails.",
		Args: args(cobra.ExactArgs(3)),
	}
	c.Flags().BoolVar(&keep, "keep", false, "make it the service's pending edit")
	c.RunE = func(c *cobra.Command, a []string) error {
		data, err := os.ReadFile(a[2])
		if err != nil {
			return usageError{err}
		}
		return with(c, func(desk *app.App) error {
			return noCommune(a[0], desk.ImportService(c.Context(), a[0], a[1], a[2], data, keep, c.OutOrStdout()))
		})
	}
	return c
}

func convertCommand() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use: "convert <tenants folder>", Short: "Make drafts of a list of services: shared/drafts/<id>.yaml, for all that are not in shared/services",
		Long: "Reads a list of services (names, fields, papers, fee, term) and writes a draft of each.\nWhat is there already, as service or as draft, is never written over.",
		Args: args(cobra.ExactArgs(1)),
	}
	c.Flags().StringVar(&from, "from", "", "the list, a YAML file; must be given")
	c.RunE = func(c *cobra.Command, a []string) error {
		data, err := os.ReadFile(from)
		if err != nil {
			return usageError{err}
		}
		return app.ConvertServices(from, data, a[0], c.OutOrStdout())
	}
	return c
}
