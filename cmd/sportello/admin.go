package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

func migrateCommand() *cobra.Command {
	c := &cobra.Command{Use: "migrate", Short: "Bring the schemas up to date"}
	c.AddCommand(&cobra.Command{
		Use: "up", Short: "Apply what is missing: the platform first, then every commune", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load(config.Migrate)
			if err != nil {
				return err
			}
			owner, err := app.Owner(cfg)
			if err != nil {
				return err
			}
			say := func(s string) { fmt.Fprintln(c.OutOrStdout(), s) }
			if err := owner.MigratePlatform(c.Context(), say); err != nil {
				return err
			}
			return owner.MigrateTenants(c.Context(), say)
		},
	}, &cobra.Command{
		Use: "status", Short: "Show the schema version of every commune", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return listTenants(c, false) },
	})
	return c
}

func tenantCommand() *cobra.Command {
	c := &cobra.Command{Use: "tenant", Short: "The life of a commune"}
	var overwrite, asJSON bool
	apply := &cobra.Command{
		Use: "apply <slug>…", Short: "Open a commune or bring its folder in again, keeping what its console changed",
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, slugs []string) error {
			cfg, err := load(config.Tenant)
			if err != nil {
				return err
			}
			a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg)})
			if err != nil {
				return err
			}
			defer a.Close()
			opener, err := a.Opener()
			if err != nil {
				return err
			}
			for _, slug := range slugs {
				report := func(line string) { fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", slug, line) }
				if err := opener.ApplyFolder(c.Context(), a.TenantsFS, slug, overwrite, report); err != nil {
					return fmt.Errorf("%s: %w", slug, err)
				}
			}
			return nil
		},
	}
	apply.Flags().BoolVar(&overwrite, "overwrite", false, "also replace what was changed on the console")
	list := &cobra.Command{
		Use: "list", Short: "List the communes", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return listTenants(c, asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	var reason string
	suspend := &cobra.Command{
		Use: "suspend <slug>", Short: "Close a commune's desk for now; nothing is lost", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error { return setState(c, a[0], tenancy.Suspended, reason) },
	}
	suspend.Flags().StringVar(&reason, "reason", "", "one sentence for the public")
	resume := &cobra.Command{
		Use: "resume <slug>", Short: "Open a suspended desk again", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error { return setState(c, a[0], tenancy.Active, "") },
	}
	c.AddCommand(apply, list, suspend, resume, sealCommand())
	c.AddCommand(append(lifeCommands(), takeOverCommand())...)
	return c
}

// sealCommand enters the seal a commune bought.
func sealCommand() *cobra.Command {
	var file, passwordFile string
	c := &cobra.Command{
		Use: "seal <slug>", Short: "Enter the PKCS#12 file of a commune's electronic seal", Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, a []string) error {
			if file == "" || passwordFile == "" {
				return usageError{errors.New("give --file and --password-file")}
			}
			p12, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			password, err := os.ReadFile(passwordFile)
			if err != nil {
				return err
			}
			cfg, err := load(config.Tenant)
			if err != nil {
				return err
			}
			desk, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg)})
			if err != nil {
				return err
			}
			defer desk.Close()
			if err := desk.EnterSeal(c.Context(), a[0], p12, trimLine(password)); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: seal entered\n", a[0])
			return nil
		},
	}
	c.Flags().StringVar(&file, "file", "", "the .p12 file")
	c.Flags().StringVar(&passwordFile, "password-file", "", "file whose first line is its password")
	return c
}

func setState(c *cobra.Command, slug string, s tenancy.State, reason string) error {
	cfg, err := load(config.Tenant)
	if err != nil {
		return err
	}
	owner, err := app.Owner(cfg)
	if err != nil {
		return err
	}
	if err := owner.SetState(c.Context(), slug, s, reason); errors.Is(err, tenancy.ErrUnknown) {
		return fmt.Errorf("there is no commune %q: `sportello tenant list` names them", slug)
	} else if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", slug, s)
	return nil
}

func listTenants(c *cobra.Command, asJSON bool) error {
	cfg, err := load(config.Tenant)
	if err != nil {
		return err
	}
	a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg)})
	if err != nil {
		return err
	}
	defer a.Close()
	all, err := a.DB.Directory().All(c.Context())
	if err != nil {
		return err
	}
	type line struct {
		Slug    string        `json:"slug"`
		Name    string        `json:"name"`
		State   tenancy.State `json:"state"`
		Version int64         `json:"schema_version"`
	}
	lines := make([]line, len(all))
	for i, t := range all {
		state, _ := t.State()
		lines[i] = line{t.Slug(), t.Name(), state, t.SchemaVersion()}
	}
	if asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(lines)
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "COMMUNE\tNAME\tSTATE\tSCHEMA")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", l.Slug, l.Name, l.State, l.Version)
	}
	return w.Flush()
}

func userCommand() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "People who work with the desk"}
	var email, name, role, commune, office, passwordFile string
	create := &cobra.Command{
		Use: "create", Short: "Create an official of a commune, or (without --commune) one of the entity's staff with a second factor",
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if email == "" || name == "" || role == "" || passwordFile == "" {
				return usageError{errors.New("give --email, --name, --role and --password-file")}
			}
			password, err := os.ReadFile(passwordFile)
			if err != nil {
				return err
			}
			cfg, err := load(config.Tenant)
			if err != nil {
				return err
			}
			a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg)})
			if err != nil {
				return err
			}
			defer a.Close()
			out, err := a.CreateUser(c.Context(), app.NewUser{Email: email, Name: name, Role: role, Commune: commune, Office: office, Password: trimLine(password)})
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), out)
			return nil
		},
	}
	f := create.Flags()
	f.StringVar(&email, "email", "", "address to sign in with")
	f.StringVar(&name, "name", "", "first and last name")
	f.StringVar(&role, "role", "", "role, as in the access policy")
	f.StringVar(&commune, "commune", "", "short name of the commune; empty for the entity's staff")
	f.StringVar(&office, "office", "", "office the role is for; empty for the whole commune")
	f.StringVar(&passwordFile, "password-file", "", "file whose first line is the password")
	c.AddCommand(create)
	return c
}

func trimLine(b []byte) string {
	for i, x := range b {
		if x == '\n' || x == '\r' {
			return string(b[:i])
		}
	}
	return string(b)
}

func catalogueCommand() *cobra.Command {
	c := &cobra.Command{Use: "catalogue", Short: "The services"}
	c.AddCommand(&cobra.Command{
		Use: "check", Short: "Check every service of every commune and run its examples", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(os.Environ())
			if err != nil {
				return usageError{err}
			}
			return app.CheckCatalogue(c.Context(), cfg, c.OutOrStdout())
		},
	})
	return c
}

func doctorCommand() *cobra.Command {
	var o app.DoctorOptions
	c := &cobra.Command{
		Use: "doctor", Short: "Show the settings (secrets hidden) and examine everything; each failure says the next step", Args: args(cobra.NoArgs),
		Long: "Examines settings, secrets, folders, every PostgreSQL cluster, every commune, Redis, and what is called outside.\nExit code 1 when something fails; what is only to be seen to leaves it 0.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(os.Environ())
			if err != nil {
				return usageError{err}
			}
			return app.Doctor(c.Context(), cfg, o, c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&o.JSON, "json", false, "print JSON: the findings, without the settings")
	c.Flags().IntVar(&o.Need.Processes, "processes", 2, "`serve` and `worker` processes together, for the number of connections")
	return c
}

func routesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "routes", Short: "List every route with the action it asks for", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "AREA\tMETHOD\tPATH\tACTION")
			routes, err := app.Routes()
			if err != nil {
				return err
			}
			for _, r := range routes {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Area, r.Method, r.Path, r.Action)
			}
			return w.Flush()
		},
	}
}
