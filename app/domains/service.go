package domains

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Deps is what the service needs.
type Deps struct {
	DB       *tenancy.DB
	Outbox   *outbox.Outbox
	Mail     Mailer
	Clock    clock.Clock
	URL      func(host string) string // public address of a host of ours
	HTTPS    bool                     // a domain is well only with a certificate
	Port     string                   // where visitors reach the front with TLS; "" is 443
	Resolver *net.Resolver
	Front    []netip.Addr // our addresses; none takes those of <slug>.<base>
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Roots    *x509.CertPool // nil: the machine's
}

// Service owns the domains of communes.
type Service struct{ Deps }

// New makes the module.
func New(d Deps) *Module {
	if d.Port == "" {
		d.Port = "443"
	}
	return &Module{&Service{d}}
}

// List are a commune's domains: those that are live first, then those that wait,
// then what ended lately.
func (s *Service) List(ctx context.Context, t tenancy.Tenant) (out []Domain, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if out, err = fromFolder(tx, t); err != nil {
			return err
		}
		asked, err := query(tx, t, `(d.state in ('waiting', 'live') or d.ended_at > $2)
			order by case d.state when 'live' then 0 when 'waiting' then 1 else 2 end, d.asked_at desc limit 40`, s.Clock.Now().Add(-shownAfter))
		out = append(out, asked...)
		return err
	})
	return out, err
}

// Ask begins a request for a host. One that the commune has asked for already is
// returned as it is. Errors: those of Normal; ErrHave when the host is the
// commune's; ErrKnown when it belongs to another, or lies above or below what
// does; ErrMany.
func (s *Service) Ask(ctx context.Context, by identity.Actor, t tenancy.Tenant, typed string) (Domain, error) {
	host, err := Normal(typed, s.DB.Directory().Base())
	if err != nil {
		return Domain{}, err
	}
	now := s.Clock.Now()
	d := Domain{ID: uuid.Must(uuid.NewV7()), Slug: t.Slug(), Host: host, Token: token(), State: Waiting, AskedBy: by.Name(), AskedAt: now, ExpiresAt: now.Add(proveWithin)}
	return d, s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if err := lock(tx); err != nil {
			return err
		}
		list, err := query(tx, t, "d.state in ('waiting', 'live') limit 100")
		if err != nil {
			return err
		}
		waiting, live := 0, 0
		for _, other := range list {
			switch {
			case other.Host == host && other.State == Waiting:
				d = other
				return nil
			case other.Host == host:
				return ErrHave
			case other.State == Waiting:
				waiting++
			default:
				live++
			}
		}
		switch held, err := holder(tx, t, host); {
		case err != nil:
			return err
		case held != "" && held != t.Slug():
			return ErrKnown
		case slices.Contains(t.Hosts(), host):
			return ErrHave
		case waiting >= mostWaiting, live >= mostLive:
			return ErrMany
		}
		if err := insert(tx, d); err != nil {
			return err
		}
		return s.tell(tx, by, t, d, "asked")
	})
}

// lock lets one transaction at a time decide whose a host is.
func lock(tx *tenancy.PlatformTx) error {
	_, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended('domains', 0))")
	return err
}

// token is what only whoever may write the zone can put into it for this commune.
func token() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails
	}
	return hex.EncodeToString(b[:])
}

// Check looks at a domain now. The answer says how it stands. Errors:
// ErrNotFound.
func (s *Service) Check(ctx context.Context, by identity.Actor, t tenancy.Tenant, host string) (Domain, error) {
	d, err := s.one(ctx, t, host)
	if err != nil {
		return d, err
	}
	if err := s.check(ctx, by, t, d); err != nil {
		return d, err
	}
	again, err := s.one(ctx, t, host)
	if errors.Is(err, ErrNotFound) { // it has just ended
		return s.ended(ctx, t, d.ID)
	}
	return again, err
}

func (s *Service) one(ctx context.Context, t tenancy.Tenant, host string) (d Domain, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		d, err = current(tx, t, host, "")
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		folder, ferr := fromFolder(tx, t)
		if ferr != nil {
			return ferr
		}
		for _, f := range folder {
			if f.Host == host {
				d, err = f, nil
			}
		}
		return err
	})
	return d, err
}

func (s *Service) ended(ctx context.Context, t tenancy.Tenant, id uuid.UUID) (d Domain, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		found, err := query(tx, t, "d.id = $2", id)
		if err == nil && len(found) == 0 {
			return ErrNotFound
		}
		if err == nil {
			d = found[0]
		}
		return err
	})
	return d, err
}

// Main makes a live domain the commune's main address; "" goes back to
// <slug>.<base>. Errors: ErrNotFound; ErrNotWell when its last check failed.
func (s *Service) Main(ctx context.Context, by identity.Actor, t tenancy.Tenant, host string) error {
	defer s.DB.Directory().Forget()
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if err := lock(tx); err != nil {
			return err
		}
		var n, fine int64
		if err := tx.QueryRow("select count(*), count(*) filter (where well) from hosts where slug = $1 and host = $2", t.Slug(), host).Scan(&n, &fine); err != nil {
			return err
		}
		switch {
		case host != "" && n == 0:
			return ErrNotFound
		case host != "" && fine == 0:
			return ErrNotWell
		}
		changed, err := tx.Exec("update hosts set main = false where slug = $1 and main and host <> $2", t.Slug(), host)
		if err != nil {
			return err
		}
		if host == "" {
			if changed == 0 {
				return nil
			}
			return s.tell(tx, by, t, Domain{Host: t.Slug() + "." + s.DB.Directory().Base()}, "main")
		}
		if n, err = tx.Exec("update hosts set main = true where slug = $1 and host = $2 and not main", t.Slug(), host); err != nil || n == 0 {
			return err
		}
		return s.tell(tx, by, t, Domain{Host: host}, "main")
	})
}

// Remove takes a domain away, whether it waits or lives: the commune answers
// there no longer. Errors: ErrNotFound; ErrFolder for one that stands in the
// commune's folder and would come back with it.
func (s *Service) Remove(ctx context.Context, by identity.Actor, t tenancy.Tenant, host string) error {
	d, err := s.one(ctx, t, host)
	if err != nil {
		return err
	}
	if d.Folder {
		return ErrFolder
	}
	defer s.DB.Directory().Forget()
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if err := lock(tx); err != nil {
			return err
		}
		d, err := current(tx, t, host, "for update of d")
		if err != nil {
			return err
		}
		if d.State == Live {
			if err := unhost(tx, t, host); err != nil {
				return err
			}
		}
		if err := end(tx, d.ID, Removed, s.Clock.Now()); err != nil {
			return err
		}
		return s.tell(tx, by, t, d, "removed")
	})
}

// Origins are the addresses of a commune's own domains, for browsers that ask
// which of them may use what belongs to <slug>.<base>.
// One whose last check failed may be somebody else's by now: it is left out.
func (s *Service) Origins(ctx context.Context, t tenancy.Tenant) ([]string, error) {
	out := []string{}
	err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select host from hosts where slug = $1 and well order by host", t.Slug())
		if err != nil {
			return err
		}
		hosts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, h := range hosts {
			out = append(out, strings.ToLower(s.URL(h)))
		}
		return err
	})
	return out, err
}

// Records are the lines that the commune's DNS must hold for a host: the proof,
// then where it must point.
func (s *Service) Records(ctx context.Context, d Domain) []Record {
	out := []Record{{Type: "TXT", Name: d.RecordName(), Value: d.Record(), There: d.Proof}}
	if !Apex(d.Host) {
		return append(out, Record{Type: "CNAME", Name: d.Host, Value: d.Slug + "." + s.DB.Directory().Base(), There: d.Points})
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	ips, err := s.front(ctx, d.Slug)
	if err != nil { // an alias at least says where to ask
		return append(out, Record{Type: "ALIAS", Name: d.Host, Value: d.Slug + "." + s.DB.Directory().Base(), There: d.Points})
	}
	for _, ip := range ips {
		kind := "A"
		if ip.Is6() {
			kind = "AAAA"
		}
		out = append(out, Record{Type: kind, Name: d.Host, Value: ip.String(), There: d.Points})
	}
	return out
}

// Record is one line of a zone.
type Record struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
	There bool   `json:"there"`
}
