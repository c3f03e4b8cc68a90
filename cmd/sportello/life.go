package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/life"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// lifeCommands are the long works on one commune.
func lifeCommands() []*cobra.Command {
	var list []*cobra.Command
	add := func(use, short string, n int, flags func(*cobra.Command), do func(c *cobra.Command, l *life.Life, a []string, say life.Progress) (any, error)) {
		var asJSON bool
		c := &cobra.Command{Use: use, Short: short, Args: args(cobra.ExactArgs(n)),
			RunE: func(c *cobra.Command, a []string) error {
				return withLife(c, func(l *life.Life) error {
					p := progressTo(c.ErrOrStderr(), a[0])
					out, err := do(c, l, a, p.say)
					p.end()
					if err != nil {
						return noCommune(a[0], err)
					}
					if asJSON {
						return json.NewEncoder(c.OutOrStdout()).Encode(out)
					}
					fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", a[0], inWords(out))
					return nil
				})
			}}
		c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
		if flags != nil {
			flags(c)
		}
		list = append(list, c)
	}
	add("backup <slug>", "Write everything of one commune into one file under its own key", 1, nil,
		func(c *cobra.Command, l *life.Life, a []string, say life.Progress) (any, error) {
			return l.Backup(c.Context(), a[0], say)
		})
	add("backups <slug>", "List the backups of a commune, newest first", 1, nil,
		func(_ *cobra.Command, l *life.Life, a []string, _ life.Progress) (any, error) { return l.Backups(a[0]) })
	add("restore <slug> <backup>", "Bring one commune back to a backup while the others run", 2, nil,
		func(c *cobra.Command, l *life.Life, a []string, say life.Progress) (any, error) {
			return l.Restore(c.Context(), a[0], filepath.Base(a[1]), say)
		})
	add("export <slug> <file.zip>", "Hand everything over in open formats, in the clear", 2, nil,
		func(c *cobra.Command, l *life.Life, a []string, say life.Progress) (any, error) {
			return l.Export(c.Context(), a[0], a[1], say)
		})
	add("import <slug> <file.zip>", "Fill a commune that was just opened from an export", 2, nil,
		func(c *cobra.Command, l *life.Life, a []string, say life.Progress) (any, error) {
			return l.Import(c.Context(), a[0], a[1], say)
		})
	add("move <slug> <cluster>", "Take a commune to another PostgreSQL cluster while people use it", 2, nil,
		func(c *cobra.Command, l *life.Life, a []string, say life.Progress) (any, error) {
			return l.Move(c.Context(), a[0], a[1], say)
		})
	var reason, confirm string
	add("archive <slug>", "End a suspended commune: its keys are destroyed, nothing of it can be read again", 1,
		func(c *cobra.Command) {
			c.Flags().StringVar(&reason, "reason", "", "one sentence for the entity's records")
			c.Flags().StringVar(&confirm, "confirm", "", "the slug once more")
		},
		func(c *cobra.Command, l *life.Life, a []string, say life.Progress) (any, error) {
			if confirm != a[0] || reason == "" {
				return nil, usageError{errors.New("give --reason, and the slug once more with --confirm: this cannot be undone")}
			}
			return "archived", l.Archive(c.Context(), a[0], reason, say)
		})
	return list
}

func withLife(c *cobra.Command, do func(*life.Life) error) error {
	return with(c, func(a *app.App) error {
		l, err := a.Life()
		if err != nil {
			return err
		}
		return do(l)
	})
}

// inWords is one line about what was done.
func inWords(out any) string {
	switch v := out.(type) {
	case life.Label:
		return fmt.Sprintf("%s: %d rows, %d files, %d bytes, schema %d", v.File, v.Rows, v.Files, v.Size, v.SchemaVersion)
	case []life.Label:
		if len(v) == 0 {
			return "no backup yet: `sportello tenant backup` makes one"
		}
		lines := ""
		for _, l := range v {
			lines += "\n  " + inWords(l)
		}
		return lines
	case life.Restored:
		return fmt.Sprintf("restored from %s: %d rows, %d files", v.Label.File, v.Rows, v.Files)
	case life.Package:
		return fmt.Sprintf("%d files, all described in datapackage.json", len(v.Resources))
	case life.Imported:
		return fmt.Sprintf("%d rows and %d files came in", v.Rows, v.Files)
	case life.Moved:
		if v.From == v.To {
			return "is on " + v.To
		}
		return fmt.Sprintf("moved from %s to %s: %d rows, read-only for %s", v.From, v.To, v.Rows, v.ReadOnly.Round(time.Millisecond))
	}
	return fmt.Sprint(out)
}

// takeOverCommand brings people and running cases of another desk in.
func takeOverCommand() *cobra.Command {
	var people, running, desk string
	var apply, asJSON bool
	c := &cobra.Command{
		Use: "take-over <slug>", Short: "Bring in people and running cases of another desk from CSV files; without --apply only tells what would happen",
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			if desk == "" || people == "" && running == "" {
				return usageError{errors.New("give --desk, and --people or --cases or both")}
			}
			cfg, err := load(config.Tenant)
			if err != nil {
				return err
			}
			p, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg, stderr)})
			if err != nil {
				return err
			}
			defer p.Close()
			t, err := p.DB.Directory().BySlug(c.Context(), a[0])
			if err != nil {
				return err
			}
			var in [2]io.Reader
			for i, name := range []string{people, running} {
				if name == "" {
					continue
				}
				f, err := os.Open(name)
				if err != nil {
					return err
				}
				defer f.Close()
				in[i] = f
			}
			r, err := p.Takeover().Run(c.Context(), t, desk, in[0], in[1], !apply, func(done, of int) { fmt.Fprintf(c.ErrOrStderr(), "%d of %d lines\n", done, of) })
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(c.OutOrStdout()).Encode(r)
			} else {
				for _, wrong := range r.Problems {
					fmt.Fprintf(c.OutOrStdout(), "%s line %d: %s\n", wrong.File, wrong.Line, wrong.Why)
				}
				fmt.Fprintf(c.OutOrStdout(), "%d people (%d known), %d cases (%d known), kept: %v\n", r.People, r.KnownPeople, r.Cases, r.KnownCases, r.Kept)
			}
			if len(r.Problems) > 0 {
				return errors.Join(err, fmt.Errorf("%d lines have problems: nothing was kept", len(r.Problems)))
			}
			return err
		},
	}
	c.Flags().StringVar(&desk, "desk", "", "name of the desk they come from; with its references it names the cases")
	c.Flags().StringVar(&people, "people", "", "CSV: email, first_name, last_name; firm, phone, avs, language")
	c.Flags().StringVar(&running, "cases", "", "CSV: ref, service, email, submitted_on; due_on, state; every other column stands on the case")
	c.Flags().BoolVar(&apply, "apply", false, "keep it")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
