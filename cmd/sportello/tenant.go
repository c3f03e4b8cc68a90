package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

func tenantCommand() *cobra.Command {
	c := group("tenant", "The life of a commune")
	c.AddCommand(checkCommand(), applyCommand(), exportConfigCommand(), listCommand(), statusCommand(), suspendCommand(), resumeCommand(), sealCommand(), quotaCommand(), domainCommand())
	c.AddCommand(append(lifeCommands(), takeOverCommand())...)
	return c
}

// noCommune says what to do about a name that the directory does not know.
func noCommune(slug string, err error) error {
	if errors.Is(err, tenancy.ErrUnknown) {
		return fmt.Errorf("there is no commune %q: `sportello tenant list` names them", slug)
	}
	return err
}

// asJSON adds the flag that every command of `tenant` has.
func asJSON(c *cobra.Command) *bool { return c.Flags().Bool("json", false, "print JSON") }

// answer prints one result: as JSON, or as the line in words.
func answer(c *cobra.Command, inJSON bool, out any, words string) error {
	if inJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(out)
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), words)
	return err
}

// with builds the product for one command and lets it go again.
func with(c *cobra.Command, do func(*app.App) error) error {
	cfg, err := load(config.Tenant)
	if err != nil {
		return err
	}
	a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg, stderr)})
	if err != nil {
		return err
	}
	defer a.Close()
	return do(a)
}

func checkCommand() *cobra.Command {
	c := &cobra.Command{Use: "check [<slug>…]", Short: "Check communes' folders (all without a name) without touching a database: face, services, examples"}
	inJSON := asJSON(c)
	c.RunE = func(c *cobra.Command, slugs []string) error {
		cfg, err := settings()
		if err != nil {
			return err
		}
		checked, err := app.CheckFolders(c.Context(), cfg, slugs)
		if err != nil && checked == nil {
			return err
		}
		if *inJSON {
			if jerr := json.NewEncoder(c.OutOrStdout()).Encode(checked); jerr != nil {
				return jerr
			}
			return err
		}
		for _, f := range checked {
			switch {
			case len(f.Problems) == 0:
				fmt.Fprintf(c.OutOrStdout(), "%s: %d services, nothing wrong\n", f.Slug, f.Services)
			default:
				for _, p := range f.Problems {
					fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", f.Slug, p)
				}
			}
		}
		return err
	}
	return c
}

func applyCommand() *cobra.Command {
	var overwrite, keepDrafts bool
	c := &cobra.Command{Use: "apply <slug>…", Short: "Open a commune or bring its folder in again, keeping what its console changed", Args: args(cobra.MinimumNArgs(1))}
	inJSON := asJSON(c)
	c.Flags().BoolVar(&overwrite, "overwrite", false, "also replace what was changed on the console")
	c.Flags().BoolVar(&keepDrafts, "keep-drafts", false, "let fields go that open drafts have answered: they keep the version they began with")
	c.RunE = func(c *cobra.Command, slugs []string) error {
		return with(c, func(a *app.App) error {
			a.KeepDrafts = keepDrafts
			opener, err := a.Opener()
			if err != nil {
				return err
			}
			type done struct {
				Slug  string   `json:"slug"`
				Lines []string `json:"lines"`
			}
			all := make([]done, 0, len(slugs))
			for _, slug := range slugs {
				d := done{Slug: slug, Lines: []string{}}
				report := func(line string) {
					d.Lines = append(d.Lines, line)
					if !*inJSON {
						fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", slug, line)
					}
				}
				if err := opener.ApplyFolder(c.Context(), a.TenantsFS, slug, overwrite, report); err != nil {
					return fmt.Errorf("%s: %w", slug, err)
				}
				all = append(all, d)
			}
			if *inJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(all)
			}
			return nil
		})
	}
	return c
}

func listCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the communes", Args: args(cobra.NoArgs)}
	inJSON := asJSON(c)
	c.RunE = func(c *cobra.Command, _ []string) error { return listTenants(c, *inJSON) }
	return c
}

func listTenants(c *cobra.Command, inJSON bool) error {
	return with(c, func(a *app.App) error {
		all, err := a.DB.Directory().All(c.Context())
		if err != nil {
			return err
		}
		type line struct {
			Slug    string        `json:"slug"`
			Name    string        `json:"name"`
			State   tenancy.State `json:"state"`
			Cluster string        `json:"cluster"`
			Version int64         `json:"schema_version"`
		}
		lines := make([]line, len(all))
		for i, t := range all {
			state, _ := t.State()
			lines[i] = line{t.Slug(), t.Name(), state, t.Cluster(), t.SchemaVersion()}
		}
		if inJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(lines)
		}
		w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "COMMUNE\tNAME\tSTATE\tCLUSTER\tSCHEMA")
		for _, l := range lines {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", l.Slug, l.Name, l.State, l.Cluster, l.Version)
		}
		return w.Flush()
	})
}

func statusCommand() *cobra.Command {
	c := &cobra.Command{Use: "status <slug>", Short: "How one commune stands: state, cluster, schema, hosts, jobs, errors, backup, key, accesses in force", Args: args(cobra.ExactArgs(1))}
	inJSON := asJSON(c)
	c.RunE = func(c *cobra.Command, a []string) error {
		return with(c, func(p *app.App) error {
			s, err := p.StatusOf(c.Context(), a[0])
			if s.Slug == "" {
				return noCommune(a[0], err)
			}
			if err != nil { // what the directory knows is still worth telling
				err = fmt.Errorf("%s cannot be read whole: `sportello doctor` says why: %w", a[0], err)
			}
			if *inJSON {
				return errors.Join(err, json.NewEncoder(c.OutOrStdout()).Encode(s))
			}
			return errors.Join(err, printStatus(c.OutOrStdout(), s))
		})
	}
	return c
}

func printStatus(out io.Writer, s app.Status) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	day := func(t time.Time) string { return t.Format("2006-01-02 15:04") }
	state := string(s.State)
	if s.Reason != "" {
		state += " (" + s.Reason + ")"
	}
	if s.ReadOnlySince != nil {
		state += ", read-only since " + day(*s.ReadOnlySince)
	}
	schema := fmt.Sprint(s.Schema)
	if s.Schema != s.Wanted {
		schema += fmt.Sprintf(", this binary has %d: run `sportello migrate up`", s.Wanted)
	}
	jobs := fmt.Sprintf("%d waiting, %d given up", s.Jobs.Waiting, s.Jobs.GivenUp)
	if s.Jobs.Oldest != nil {
		jobs += ", the oldest since " + day(*s.Jobs.Oldest)
	}
	backup := "none: `sportello tenant backup " + s.Slug + "` makes one"
	if s.Backup != nil {
		backup = fmt.Sprintf("%s, %s, %s", day(s.Backup.At), s.Backup.Kind, s.Backup.State)
	}
	key := "none: `sportello migrate up` makes one"
	if s.Key != nil {
		key = fmt.Sprintf("made %s, changed %s, under %s", day(s.Key.MadeAt), day(s.Key.ChangedAt), s.Key.Master)
		if s.Key.Destroyed {
			key = "destroyed"
		}
	}
	for _, l := range [][2]string{
		{"commune", s.Slug + ", " + s.Name}, {"state", state}, {"opened", day(s.Opened)}, {"cluster", s.Cluster}, {"schema", schema},
		{"hosts", strings.Join(s.Hosts, ", ")}, {"jobs", jobs}, {"errors", fmt.Sprintf("%d in the last day", s.Errors)},
		{"backup", backup}, {"key", key}, {"accesses of the entity", fmt.Sprintf("%d in force", s.Grants)},
	} {
		fmt.Fprintf(w, "%s\t%s\n", l[0], l[1])
	}
	return w.Flush()
}

func suspendCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{Use: "suspend <slug>", Short: "Close a commune's desk for now; nothing is lost", Args: args(cobra.ExactArgs(1))}
	inJSON := asJSON(c)
	c.Flags().StringVar(&reason, "reason", "", "one sentence for the public; must be given")
	c.RunE = func(c *cobra.Command, a []string) error {
		if reason = strings.TrimSpace(reason); reason == "" {
			return usageError{errors.New("give --reason: people who open the desk read it")}
		}
		return setState(c, *inJSON, a[0], tenancy.Suspended, reason)
	}
	return c
}

func resumeCommand() *cobra.Command {
	c := &cobra.Command{Use: "resume <slug>", Short: "Open a suspended desk again", Args: args(cobra.ExactArgs(1))}
	inJSON := asJSON(c)
	c.RunE = func(c *cobra.Command, a []string) error { return setState(c, *inJSON, a[0], tenancy.Active, "") }
	return c
}

func setState(c *cobra.Command, inJSON bool, slug string, s tenancy.State, reason string) error {
	cfg, err := load(config.Tenant)
	if err != nil {
		return err
	}
	owner, err := app.Owner(cfg)
	if err != nil {
		return err
	}
	if err := owner.SetState(c.Context(), slug, s, reason); err != nil {
		return noCommune(slug, err)
	}
	return answer(c, inJSON, struct {
		Slug   string        `json:"slug"`
		State  tenancy.State `json:"state"`
		Reason string        `json:"reason,omitempty"`
	}{slug, s, reason}, slug+": "+string(s))
}

func exportConfigCommand() *cobra.Command {
	var into string
	var overwrite bool
	c := &cobra.Command{Use: "export-config <slug>", Short: "Write what a commune has set back into its folder: tenant.yaml, brand, services.yaml", Args: args(cobra.ExactArgs(1))}
	inJSON := asJSON(c)
	c.Flags().StringVar(&into, "into", "", "folder that holds the communes' folders, as SPORTELLO_TENANTS_DIR does")
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace files that exist")
	c.RunE = func(c *cobra.Command, a []string) error {
		if into == "" {
			return usageError{errors.New("give --into")}
		}
		return with(c, func(p *app.App) error {
			files, err := p.ExportConfig(c.Context(), a[0], into, overwrite)
			if err != nil {
				return noCommune(a[0], err)
			}
			return answer(c, *inJSON, map[string]any{"slug": a[0], "files": files}, a[0]+": "+strings.Join(files, ", "))
		})
	}
	return c
}
