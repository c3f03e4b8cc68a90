package tenancy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// ErrUnknown says that no such commune exists (or that it is archived).
var ErrUnknown = errors.New("tenancy: unknown commune")

// directoryTTL bounds how long a process may act on an old directory.
const directoryTTL = time.Second

var (
	schemaName = regexp.MustCompile(`^t_[a-z0-9_]{1,50}$`)
	roleName   = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)
)

// Directory knows the communes of this deployment. It is read from the
// platform schema and re-read when its revision has risen, at most once a
// second.
type Directory struct {
	db   *DB
	base string
	snap atomic.Pointer[directorySnapshot]
	once singleflight.Group
}

type directorySnapshot struct {
	rev    int64
	readAt time.Time
	bySlug map[string]*entry
	byHost map[string]*entry
	byRole map[string]*entry
	sorted []*entry
	own    map[string]int // cluster → communes with a pool of their own
}

// BySlug finds a commune by its short name.
func (d *Directory) BySlug(ctx context.Context, slug string) (Tenant, error) {
	s, err := d.fresh(ctx)
	if err != nil {
		return Tenant{}, err
	}
	if e := s.bySlug[slug]; e != nil {
		return Tenant{e}, nil
	}
	return Tenant{}, ErrUnknown
}

// ByHost finds the commune that answers on a host name (no port, lower case):
// <slug>.<base> or a domain of its own.
func (d *Directory) ByHost(ctx context.Context, host string) (Tenant, error) {
	s, err := d.fresh(ctx)
	if err != nil {
		return Tenant{}, err
	}
	if e := s.byHost[host]; e != nil {
		return Tenant{e}, nil
	}
	if slug, ok := strings.CutSuffix(host, "."+d.base); ok {
		if e := s.bySlug[slug]; e != nil {
			return Tenant{e}, nil
		}
	}
	return Tenant{}, ErrUnknown
}

// nodeRole names a role: two clusters may each have one of the same name.
func nodeRole(cluster, role string) string { return cluster + "/" + role }

// ByRole finds the commune whose role on a PostgreSQL cluster wrote an outbox hint.
func (d *Directory) ByRole(ctx context.Context, cluster, role string) (Tenant, error) {
	s, err := d.fresh(ctx)
	if err != nil {
		return Tenant{}, err
	}
	if e := s.byRole[nodeRole(cluster, role)]; e != nil {
		return Tenant{e}, nil
	}
	return Tenant{}, ErrUnknown
}

// All lists the communes that are not archived, by name.
func (d *Directory) All(ctx context.Context) ([]Tenant, error) {
	s, err := d.fresh(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Tenant, len(s.sorted))
	for i, e := range s.sorted {
		out[i] = Tenant{e}
	}
	return out, nil
}

// Forget makes the next question look whether the directory has changed. What is
// known stays: with the platform's database away it is all there is.
func (d *Directory) Forget() {
	if s := d.snap.Load(); s != nil {
		old := *s
		old.readAt = time.Time{}
		d.snap.CompareAndSwap(s, &old)
	}
}

// HostOf is the host of a commune's main address: a domain of its own, as long as
// the last check of that was good, else <slug>.<base>.
func (d *Directory) HostOf(t Tenant) string {
	if own := t.MainHost(); own != "" {
		return own
	}
	return t.Slug() + "." + d.base
}

// Base is the domain under which communes have their subdomain.
func (d *Directory) Base() string { return d.base }

func (d *Directory) fresh(ctx context.Context) (*directorySnapshot, error) {
	if s := d.snap.Load(); s != nil && time.Since(s.readAt) < directoryTTL {
		return s, nil
	}
	v, err, _ := d.once.Do("read", func() (any, error) {
		return d.read(context.WithoutCancel(ctx))
	})
	if err != nil {
		// A directory that is a little old serves better than none: the
		// communes do not move while the platform database is away. It is
		// asked again in a second, not by every request that waits.
		if s := d.snap.Load(); s != nil {
			same := *s
			same.readAt = time.Now()
			d.snap.CompareAndSwap(s, &same)
			return &same, nil
		}
		return nil, fmt.Errorf("tenancy: read directory: %w", err)
	}
	return v.(*directorySnapshot), nil
}

// newest is what the directory says of a commune now, as far as this process
// knows: the Tenant in somebody's hand may be older. Errors: ErrUnknown when the
// commune has been archived.
func (d *Directory) newest(e *entry) (*entry, error) {
	s := d.snap.Load()
	if s == nil {
		return e, nil
	}
	if now := s.bySlug[e.slug]; now != nil {
		return now, nil
	}
	return nil, ErrUnknown
}

// again reads the directory whatever its age, and returns the commune's entry.
func (d *Directory) again(ctx context.Context, e *entry) (*entry, error) {
	if _, err, _ := d.once.Do("read", func() (any, error) { return d.read(context.WithoutCancel(ctx)) }); err != nil {
		return nil, err
	}
	return d.newest(e)
}

// directoryTimeout bounds a reading of the directory: whoever waits for it has
// an old one that will do.
const directoryTimeout = 1500 * time.Millisecond

func (d *Directory) read(ctx context.Context) (*directorySnapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, directoryTimeout)
	defer cancel()
	var next *directorySnapshot
	err := d.db.Platform(ctx, func(tx *PlatformTx) error {
		var rev int64
		if err := tx.DB().Raw("select rev from directory_revision").Scan(&rev).Error; err != nil {
			return err
		}
		if old := d.snap.Load(); old != nil && old.rev == rev {
			same := *old
			same.readAt = time.Now()
			next = &same
			return nil
		}
		var err error
		next, err = readDirectory(tx, rev)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.snap.Store(next)
	return next, nil
}

type communeRow struct {
	Slug, Name, RefPrefix, State, StateReason string
	BfsNumber, Inhabitants                    int
	Cluster, Database                         string
	Shard                                     int
	SchemaName, RoleName, LoginName           string
	SchemaVersion                             int64
	CreatedAt                                 time.Time
	ReadOnlySince                             *time.Time
	PlacedAt                                  time.Time
}

func readDirectory(tx *PlatformTx, rev int64) (*directorySnapshot, error) {
	var rows []communeRow
	if err := tx.DB().Raw(`select slug, name, ref_prefix, coalesce(bfs_number, 0) as bfs_number,
		inhabitants, state, state_reason, cluster, database, shard, schema_name, role_name, login_name,
		schema_version, created_at, read_only_since, placed_at from communes where state <> 'archived'`).Scan(&rows).Error; err != nil {
		return nil, err
	}
	var hosts []struct {
		Host, Slug string
		Main, Well bool
	}
	if err := tx.DB().Raw("select host, slug, main, well from hosts order by host").Scan(&hosts).Error; err != nil {
		return nil, err
	}
	s := &directorySnapshot{rev: rev, readAt: time.Now(),
		bySlug: map[string]*entry{}, byHost: map[string]*entry{}, byRole: map[string]*entry{}, own: map[string]int{}}
	for _, r := range rows {
		e, err := newEntry(r)
		if err != nil {
			return nil, err
		}
		s.bySlug[e.slug], s.byRole[nodeRole(e.cluster, e.role)] = e, e
		s.sorted = append(s.sorted, e)
		if !e.shared {
			s.own[e.cluster]++
		}
	}
	for _, h := range hosts {
		if e := s.bySlug[h.Slug]; e != nil {
			e.hosts = append(e.hosts, h.Host)
			s.byHost[h.Host] = e
			if h.Main && h.Well {
				e.main = h.Host
			}
		}
	}
	sort.Slice(s.sorted, func(i, j int) bool { return s.sorted[i].name < s.sorted[j].name })
	return s, nil
}

// newEntry checks the names that will stand unquoted in SQL: a directory that
// someone has tampered with must not become an injection.
func newEntry(r communeRow) (*entry, error) {
	if !schemaName.MatchString(r.SchemaName) || !roleName.MatchString(r.RoleName) || !roleName.MatchString(r.LoginName) {
		return nil, fmt.Errorf("tenancy: directory row %q has an impossible schema or role name", r.Slug)
	}
	local := fmt.Sprintf("; set local role %s; set local search_path = %s, ext", r.RoleName, r.SchemaName)
	var readOnly time.Time
	if r.ReadOnlySince != nil {
		readOnly = *r.ReadOnlySince
	}
	return &entry{
		readOnlySince: readOnly, placedAt: r.PlacedAt, shared: r.Shard > 0,
		slug: r.Slug, name: r.Name, refPrefix: r.RefPrefix, bfs: r.BfsNumber, inhabitants: r.Inhabitants,
		state: State(r.State), stateReason: r.StateReason, cluster: r.Cluster, database: r.Database,
		schema: r.SchemaName, role: r.RoleName, login: r.LoginName,
		schemaVersion: r.SchemaVersion, createdAt: r.CreatedAt,
		beginWrite: "begin" + local, beginReadOnly: beginReadOnly + local,
	}, nil
}
