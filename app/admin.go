package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/demo"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance/sandbox"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/tenants"
)

// Owner is the credential that may create schemas; it gives each its keys.
func Owner(cfg config.Config) (*tenancy.Owner, error) {
	_, owner, err := KeysOwner(cfg)
	return owner, err
}

func plainOwner(cfg config.Config) (*tenancy.Owner, error) {
	if cfg.Database.OwnerURL == "" || cfg.Database.URL == "" {
		return nil, errors.New("SPORTELLO_OWNER_DATABASE_URL and SPORTELLO_DATABASE_URL are both needed")
	}
	master, err := cfg.Keys.Master()
	if err != nil {
		return nil, err
	}
	owner, err := tenancy.NewOwner(cfg.Database.OwnerURL, cfg.Database.URL, master)
	if err != nil {
		return nil, err
	}
	owner.OwnLogins = cfg.Database.PoolLimit
	owners, err := cfg.Database.OwnerClusterURLs()
	if err != nil {
		return nil, err
	}
	runtime, err := cfg.Database.ClusterURLs()
	if err != nil {
		return nil, err
	}
	for name, url := range owners {
		if runtime[name] == "" {
			return nil, fmt.Errorf("SPORTELLO_DATABASE_CLUSTERS does not name cluster %s", name)
		}
		if err := owner.AddCluster(name, url, runtime[name]); err != nil {
			return nil, err
		}
	}
	return owner, nil
}

// Opener opens communes; it needs the owner's credential.
func (a *App) Opener() (*operator.Opener, error) {
	keysOwner, owner, err := KeysOwner(a.Config)
	if err != nil {
		return nil, err
	}
	o := &operator.Opener{Works: lifeWorks(a.lifeOf(owner, keysOwner)), Owner: owner, DB: a.DB, Identity: a.Identity, FS: a.TenantsFS, Log: a.Log, Clock: a.Clock, Parts: []operator.Part{
		{Name: "site", Apply: a.applySite},
		{Name: "catalogue", Apply: a.applyCatalogue},
		{Name: "seal", Apply: a.applySeal},
	}}
	if a.Config.Demo {
		o.Seed = a.seed
	}
	return o, nil
}

func (a *App) applySite(ctx context.Context, t tenancy.Tenant, f operator.Source, overwrite bool) (changed []string, err error) {
	err = a.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		changed, err = site.Apply(tx, f.Folder, overwrite)
		return err
	})
	return changed, err
}

func (a *App) applyCatalogue(ctx context.Context, t tenancy.Tenant, f operator.Source, overwrite bool) (changed []string, err error) {
	calendar := f.Folder.Profile.Calendar
	if calendar == "" {
		calendar = "ticino"
	}
	folder, err := catalogue.ReadFolder(ctx, f.FS, f.Dir, calendar)
	if err != nil {
		return nil, err
	}
	lines, err := a.Catalogue.PublishFolder(ctx, identity.System(tenancy.Tenant{}), folder.Shared)
	if err != nil {
		return nil, err
	}
	o := a.catalogueOptions(overwrite)
	if o.Shared, err = a.Catalogue.SharedTrees(ctx); err != nil {
		return nil, err
	}
	err = a.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		changed, err = catalogue.Apply(ctx, tx, folder, o)
		return err
	})
	if err == nil {
		err = a.Catalogue.Count(ctx, t)
	}
	return append(lines, changed...), err
}

// applySeal makes the demo's seal at once, so that the first certificate does
// not wait for it. Outside the demo a commune enters the seal it bought.
func (a *App) applySeal(ctx context.Context, t tenancy.Tenant, _ operator.Source, _ bool) ([]string, error) {
	if !a.Config.Demo {
		return nil, nil
	}
	_, err := a.Seals.Signer(ctx, t)
	return nil, err
}

// residents is how many people a commune of the demo has.
const residents = 1000

// seed gives a commune of the demo its invented people.
func (a *App) seed(ctx context.Context, t tenancy.Tenant, dir string) error {
	people, err := demo.Read(a.TenantsFS, dir)
	if err != nil {
		return err
	}
	now := a.Clock.Now()
	if err := demo.SeedPeople(ctx, a.DB, a.Identity, t, people, now); err != nil {
		return err
	}
	sample, err := local.ReadSample(a.TenantsFS, dir, now)
	if err != nil {
		return err
	}
	records, err := local.Generate(sample, residents)
	if err != nil {
		return err
	}
	return a.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		_, err := local.Import(tx, records, now, false)
		return err
	})
}

// SeedEntity gives the entity its invented staff.
func (a *App) SeedEntity(ctx context.Context) error {
	people, err := demo.Read(a.TenantsFS, demo.EntityDir)
	if err != nil {
		return err
	}
	return demo.SeedStaff(ctx, a.Staff, people, newTOTPSecret)
}

func newTOTPSecret() (string, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Sportello", AccountName: "entity"})
	if err != nil {
		return "", err
	}
	return key.Secret(), nil
}

// SeedPayment enters a commune's merchant place with a key of the sandbox; nil
// when the commune's folder names no merchant place.
func (a *App) SeedPayment(ctx context.Context, t tenancy.Tenant, key string) (*sandbox.Space, error) {
	face, err := a.Sites.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	p := face.Payment
	if p.SpaceID == 0 || p.UserID == 0 {
		return nil, nil
	}
	if err := a.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		var entered bool
		if err := tx.QueryRow("select exists (select from payment_accounts)").Scan(&entered); err != nil || entered {
			return err
		}
		return a.Payments.SetAccountTx(tx, identity.System(t), payments.AccountInput{SpaceID: p.SpaceID, UserID: p.UserID, Secret: key})
	}); err != nil {
		return nil, err
	}
	return &sandbox.Space{ID: p.SpaceID, Name: face.OfficialName, UserID: p.UserID, Key: key}, nil
}

// NewUser is somebody to be created on the command line.
type NewUser struct{ Email, Name, Role, Commune, Office, Password string }

// CreateUser creates an official of a commune, or one of the entity's staff
// with a second factor; it returns what the operator must hand over.
func (a *App) CreateUser(ctx context.Context, u NewUser) (string, error) {
	perms, err := access.New()
	if err != nil {
		return "", err
	}
	if !slices.Contains(perms.Roles(), u.Role) || strings.HasPrefix(u.Role, "entity-") != (u.Commune == "") {
		return "", fmt.Errorf("role %q does not fit: %s", u.Role, strings.Join(perms.Roles(), ", "))
	}
	if key := identity.CheckPassword(u.Password); key != "" {
		return "", errors.New("the password must have 12 to 128 characters")
	}
	if u.Commune == "" {
		secret, err := newTOTPSecret()
		if err != nil {
			return "", err
		}
		if _, err := a.Staff.Create(ctx, u.Name, u.Email, u.Password, secret, []string{u.Role}); err != nil {
			return "", err
		}
		return "second factor (enter it into an authenticator app now; it is not shown again): " + secret, nil
	}
	t, err := a.DB.Directory().BySlug(ctx, u.Commune)
	if err != nil {
		return "", err
	}
	email, ok := identity.NormalEmail(u.Email)
	first, last, named := strings.Cut(u.Name, " ")
	if !ok || !named {
		return "", errors.New("give an e-mail address, and a first and a last name")
	}
	hash, err := a.Identity.HashPassword(ctx, u.Password)
	if err != nil {
		return "", err
	}
	now := a.Clock.Now()
	return "created", a.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		acc, err := identity.AccountByEmail(tx, email)
		if err != nil {
			return err
		}
		if acc == nil {
			acc = &identity.Account{ID: uuid.Must(uuid.NewV7()), Email: email, FirstName: first, LastName: last, PasswordHash: hash,
				Level: identity.LevelSelfDeclared, Lang: "it", ConfirmedAt: &now, CreatedAt: now}
			if err := identity.SaveAccount(tx, acc); err != nil {
				return err
			}
		}
		return identity.Hold(tx, acc.ID, u.Role, u.Office)
	})
}

// CheckCatalogue checks every service of every commune and runs its examples.
func CheckCatalogue(ctx context.Context, cfg config.Config, out io.Writer) error {
	fsys := tenantsFS(cfg)
	calendar, err := catalogue.ReadCalendar(fsys, "ticino")
	if err != nil {
		return err
	}
	engine, err := rules.NewEngine(calendar)
	if err != nil {
		return err
	}
	slugs, err := tenants.Communes(fsys)
	if err != nil {
		return err
	}
	var communes []catalogue.Commune
	for _, s := range slugs {
		c, err := catalogue.ReadCommune(fsys, s)
		if err != nil {
			return err
		}
		communes = append(communes, c)
	}
	report, err := catalogue.Check(ctx, fsys, communes, engine)
	fmt.Fprintf(out, "%d services, offered %d times in %d communes, %d examples run, %d drafts read\n", report.Services, report.Offered, len(communes), report.Examples, report.Drafts)
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return fmt.Errorf("%d mistakes in the catalogue", len(lines))
}

// CheckedFolder is what CheckFolders found in one commune's folder.
type CheckedFolder struct {
	Slug     string   `json:"slug"`
	Services int      `json:"services"`
	Problems []string `json:"problems"`
}

// CheckFolders reads the folders of some communes, all without a name, as
// `tenant apply` would: face, brand, services with their examples. Errors: that
// something is wrong, with what is in the folders; one that cannot be read at all.
func CheckFolders(ctx context.Context, cfg config.Config, slugs []string) ([]CheckedFolder, error) {
	fsys := tenantsFS(cfg)
	known, err := tenants.Communes(fsys)
	if err != nil {
		return nil, err
	}
	if len(slugs) == 0 {
		slugs = known
	}
	out := make([]CheckedFolder, 0, len(slugs))
	bad := 0
	for _, slug := range slugs {
		c := CheckedFolder{Slug: slug, Problems: []string{}}
		note := func(err error) {
			if err != nil {
				c.Problems = append(c.Problems, strings.Split(err.Error(), "\n")...)
			}
		}
		if !slices.Contains(known, slug) {
			note(errors.New("has no folder with a tenant.yaml"))
		} else {
			f, err := site.ReadFolder(fsys, slug)
			note(err)
			if err == nil && f.Commune.Slug != slug {
				note(fmt.Errorf("tenant.yaml is of %q", f.Commune.Slug))
			}
			services, err := catalogue.ReadFolder(ctx, fsys, slug, orDefault(f.Profile.Calendar, "ticino"))
			note(err)
			c.Services = len(services.Overlays)
		}
		if len(c.Problems) > 0 {
			bad++
		}
		out = append(out, c)
	}
	if bad > 0 {
		return out, fmt.Errorf("%d of %d folders have problems", bad, len(out))
	}
	return out, nil
}

// Routes is the route table, built without any connection.
func Routes() ([]web.Route, error) {
	a, err := unconnected()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Router.Routes(), nil
}

// EnterSeal takes the seal a commune bought into use.
func (a *App) EnterSeal(ctx context.Context, slug string, p12 []byte, password string) error {
	t, err := a.DB.Directory().BySlug(ctx, slug)
	if err != nil {
		return err
	}
	return a.Seals.Import(ctx, identity.System(t), p12, password)
}
