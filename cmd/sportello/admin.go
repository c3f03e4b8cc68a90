package main

import (
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/pkg/config"
)

func migrateCommand() *cobra.Command {
	c := group("migrate", "Bring the schemas up to date")
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

// sealCommand enters the seal a commune bought.
func sealCommand() *cobra.Command {
	var file, passwordFile string
	var inJSON *bool
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
			return with(c, func(desk *app.App) error {
				if err := desk.EnterSeal(c.Context(), a[0], p12, trimLine(password)); err != nil {
					return noCommune(a[0], err)
				}
				return answer(c, *inJSON, map[string]string{"slug": a[0], "done": "seal entered"}, a[0]+": seal entered")
			})
		},
	}
	inJSON = asJSON(c)
	c.Flags().StringVar(&file, "file", "", "the .p12 file")
	c.Flags().StringVar(&passwordFile, "password-file", "", "file whose first line is its password")
	return c
}

func userCommand() *cobra.Command {
	c := group("user", "People who work with the desk")
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
			a, err := app.New(c.Context(), cfg, app.Options{Log: logger(cfg, stderr)})
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
	c := group("catalogue", "The services")
	c.AddCommand(&cobra.Command{
		Use: "check", Short: "Check every service of every commune and run its examples", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := settings()
			if err != nil {
				return err
			}
			return app.CheckCatalogue(c.Context(), cfg, c.OutOrStdout())
		},
	}, publishCommand(), withdrawCommand(), diffCommand())
	c.AddCommand(catalogueFiles()...)
	return c
}

func doctorCommand() *cobra.Command {
	var o app.DoctorOptions
	c := &cobra.Command{
		Use: "doctor", Short: "Show the settings (secrets hidden) and examine everything; each failure says the next step", Args: args(cobra.NoArgs),
		Long: "Examines settings, secrets, folders, every PostgreSQL cluster, every commune, Redis, and what is called outside.\nExit code 1 when something fails; what is only to be seen to leaves it 0.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := settings()
			if err != nil {
				return err
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
