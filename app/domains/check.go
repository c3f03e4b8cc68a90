package domains

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Due checks what of a commune's domains is to be checked now.
func (s *Service) Due(ctx context.Context, t tenancy.Tenant) error {
	var list []Domain
	now := s.Clock.Now()
	if err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		if list, err = due(tx, t, now); err != nil || len(t.Hosts()) == 0 {
			return err
		}
		folder, err := fromFolder(tx, t)
		for _, d := range folder {
			if d.CheckedAt == nil || now.Sub(*d.CheckedAt) >= time.Hour {
				list = append(list, d)
			}
		}
		return err
	}); err != nil {
		return err
	}
	// Names that answer slowly cost the neighbours no more than this; what was not
	// reached is due again at once.
	ctx, cancel := context.WithTimeout(ctx, dueWithin)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(dueAtOnce)
	for _, d := range list {
		g.Go(func() error { return s.check(ctx, identity.System(t), t, d) })
	}
	return g.Wait()
}

// How long the domains of one commune may take, and how many are asked at a time.
const (
	dueWithin = 20 * time.Second
	dueAtOnce = 5
)

// check looks at a domain and notes what it saw: first the DNS, then, where the
// host is live, its certificate. No transaction is open while others are asked.
func (s *Service) check(ctx context.Context, by identity.Actor, t tenancy.Tenant, d Domain) error {
	if d.Folder {
		return s.checkCertificate(ctx, t, d)
	}
	saw := s.look(ctx, d)
	if err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if err := lock(tx); err != nil {
			return err
		}
		var err error
		looked := d.ID
		if d, err = current(tx, t, d.Host, "for update of d"); errors.Is(err, ErrNotFound) || err == nil && d.ID != looked {
			d.State = Removed // while we looked; another request for the host has a token of its own
			return nil
		} else if err != nil {
			return err
		}
		return s.note(tx, by, t, &d, saw)
	}); err != nil {
		return err
	}
	s.DB.Directory().Forget()
	if d.State != Live {
		return nil
	}
	return s.checkCertificate(ctx, t, d)
}

// checkCertificate looks at the certificate of a live host and says whether links
// may lead there.
func (s *Service) checkCertificate(ctx context.Context, t tenancy.Tenant, d Domain) error {
	fine := d.Proof && d.Points
	var until *time.Time
	message := ""
	if s.HTTPS {
		until, message = s.certificate(ctx, d.Host)
		fine = fine && message == "" && until.After(s.Clock.Now())
	}
	defer s.DB.Directory().Forget()
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if err := lock(tx); err != nil {
			return err
		}
		var there int
		if err := tx.QueryRow("select count(*) from hosts where host = $1 and slug = $2", d.Host, t.Slug()).Scan(&there); err != nil || there == 0 {
			return err
		}
		if s.HTTPS || d.Folder {
			if err := keepCertificate(tx, t, d.Host, until, message, s.Clock.Now()); err != nil {
				return err
			}
		}
		if !fine { // its certificate may be on the way, or the front starting anew
			if err := soon(tx, t, d.Host, s.Clock.Now()); err != nil {
				return err
			}
		}
		return well(tx, t, d.Host, fine)
	})
}

// note writes what a look means for a domain.
func (s *Service) note(tx *tenancy.PlatformTx, by identity.Actor, t tenancy.Tenant, d *Domain, saw sight) error {
	now := s.Clock.Now()
	d.CheckedAt, d.Finding, d.Seen = &now, saw.finding, saw.seen
	if saw.finding != findAway || d.State == Waiting {
		d.Proof, d.Points = saw.proof, saw.points
	}
	meaning := s.noteLive
	if d.State == Waiting {
		meaning = s.noteWaiting
	}
	event, err := meaning(tx, t, d, saw, now)
	if err != nil {
		return err
	}
	if err := save(tx, *d, d.again(now)); err != nil || event == "" {
		return err
	}
	return s.tell(tx, by, t, *d, event)
}

func (s *Service) noteWaiting(tx *tenancy.PlatformTx, t tenancy.Tenant, d *Domain, saw sight, now time.Time) (event string, err error) {
	held, err := holder(tx, t, d.Host)
	switch {
	case err != nil:
		return "", err
	case held != "" && held != t.Slug(): // the first who proves has it
		d.State, d.EndedAt = Taken, &now
		return "taken", nil
	case !saw.good() && !now.Before(d.ExpiresAt):
		d.State, d.EndedAt = Expired, &now
		return "expired", nil
	case !saw.good():
		return "", nil
	}
	// Not well before its certificate has been seen.
	n, err := tx.Exec("insert into hosts (host, slug, well) values ($1, $2, $3) on conflict (host) do nothing", d.Host, t.Slug(), !s.HTTPS)
	if err != nil {
		return "", err
	}
	if n == 0 { // it came in with the commune's folder meanwhile
		d.State, d.EndedAt = Removed, &now
		return "", nil
	}
	d.State, d.ProvedAt = Live, &now
	return "live", nil
}

func (s *Service) noteLive(tx *tenancy.PlatformTx, t tenancy.Tenant, d *Domain, saw sight, now time.Time) (event string, err error) {
	if saw.good() {
		if d.FailingSince != nil {
			event = "mended"
		}
		d.FailingSince, d.Warned = nil, 0
		return event, nil
	}
	if saw.finding == findAway { // we could not ask: that says nothing about the domain
		return "", nil
	}
	if err := well(tx, t, d.Host, false); err != nil {
		return "", err
	}
	if d.FailingSince == nil {
		d.FailingSince = &now
		return "failing", nil
	}
	switch since := now.Sub(*d.FailingSince); {
	case since >= offAfter && d.Warned > 0: // never without a warning, however long nobody looked
		d.State, d.EndedAt = Off, &now
		return "off", unhost(tx, t, d.Host)
	case since >= warnAgain && d.Warned < 2, since >= warnFirst && d.Warned < 1:
		d.Warned++
		if since >= offAfter { // nobody looked for a month: the term begins anew
			since := now.Add(-warnAgain)
			d.FailingSince = &since
		}
		return "warned", nil
	}
	return "", nil
}
