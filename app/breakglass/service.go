package breakglass

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The actions of this module.
const (
	ActionGuests access.Action = "console.guests"      // the commune: see who asks and who reads
	ActionLetIn  access.Action = "console.let-in"      // the commune: grant, refuse, revoke
	ActionSee    access.Action = "operator.open"       // the entity: see its own requests
	ActionAsk    access.Action = "operator.ask-access" // the entity: ask and enter
	ActionReview access.Action = "access.review"       // the entity: how much was read, never what
)

// Cases is what this module asks of cases.
type Cases interface {
	OfficeOf(tx *tenancy.Tx, ref string) (string, error)
}

// Deps is what the service needs.
type Deps struct {
	DB       *tenancy.DB
	Outbox   *outbox.Outbox
	Sites    *site.Sites
	Clock    clock.Clock // for what is shown; the database's clock decides
	Identity *identity.Service
	Staff    *identity.Staff
	Access   *access.Access
	Cases    Cases
	Mail     *notifications.Service
	URL      func(t tenancy.Tenant, path string) string
}

// Service is everything about break-glass accesses.
type Service struct {
	Deps
	current *tenancy.Cached[[]Grant]
}

const topic = "access"

// New makes the module and tells identity who knows the grants.
func New(d Deps) *Module {
	s := &Service{Deps: d, current: tenancy.NewCached(d.DB, topic, live)}
	d.Identity.Guests = s
	return &Module{s}
}

// Ask files a request of one of the entity's people with a commune. The
// request is kept by the entity first; when the commune is away it is delivered
// later (Deliver). Errors: ErrWish with Fields.
func (s *Service) Ask(ctx context.Context, by identity.Actor, t tenancy.Tenant, w Wish) (uuid.UUID, error) {
	face, err := s.Sites.Get(ctx, t)
	if err != nil {
		return uuid.Nil, err
	}
	var offices []string
	for _, o := range face.Offices {
		offices = append(offices, o.Key)
	}
	if wrong := w.check(offices); len(wrong) > 0 {
		return uuid.Nil, invalid(wrong)
	}
	g := Grant{ID: uuid.Must(uuid.NewV7()), StaffID: by.AccountID(), StaffName: by.Name(), StaffEmail: by.Email(), Wish: w}
	if err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		tx.Queue(`insert into access_requests (id, slug, staff_id, staff_name, staff_email, reason, scope, object, hours)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, g.ID, t.Slug(), g.StaffID, g.StaffName, g.StaffEmail, w.Reason, string(w.Scope), w.Object, w.Hours)
		tx.Queue("insert into audit (actor, action, object) values ($1, 'access.asked', $2)", by.Name()+" ("+by.Ref()+")", "commune:"+t.Slug()+"/access:"+g.ID.String())
		return nil
	}); err != nil {
		return uuid.Nil, err
	}
	return g.ID, s.deliver(ctx, by, t, g)
}

// Deliver brings a request to a commune that was away when it was made. Errors:
// ErrNotFound for a request of somebody else.
func (s *Service) Deliver(ctx context.Context, by identity.Actor, t tenancy.Tenant, id uuid.UUID) error {
	list, err := requestsTo(ctx, s.DB, t.Slug(), listMax)
	if err != nil {
		return err
	}
	for _, g := range list {
		if g.ID == id && g.StaffID == by.AccountID() {
			return s.deliver(ctx, by, t, g)
		}
	}
	return ErrNotFound
}

// deliver writes the request into the commune, with its audit line and a mail
// to every administrator. Twice does nothing.
func (s *Service) deliver(ctx context.Context, by identity.Actor, t tenancy.Tenant, g Grant) error {
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		fresh, err := deliver(tx, g)
		if err != nil || !fresh {
			return err
		}
		admins, err := identity.Holders(tx, "commune-admin")
		if err != nil {
			return err
		}
		for _, a := range admins {
			if err := s.Mail.Send(tx, notifications.Message{To: a.Email, Template: notifications.AccessAsked, Lang: a.Lang,
				Params: map[string]string{"name": a.FullName(), "who": g.StaffName, "link": s.URL(t, consolePath)},
				Key:    "access-asked:" + g.ID.String() + ":" + a.ID.String()}); err != nil {
				return err
			}
		}
		if err := audit.Record(tx, by, "access.asked", object(g.ID), g.Wish.facts()); err != nil {
			return err
		}
		return tx.Bump(topic)
	})
}

func (w Wish) facts() map[string]any {
	f := map[string]any{"scope": string(w.Scope), "hours": w.Hours}
	if w.Object != "" {
		f["of"] = w.Object
	}
	return f
}

func object(id uuid.UUID) string { return "access:" + id.String() }

// listMax is how many requests a page lists, newest first.
const listMax = 50

// Grant lets the asker in, to what was wished for or less, from now on. Errors:
// ErrNotFound; ErrState when it was decided already; ErrSelf when the
// administrator and the asker are one person; ErrWish with Fields.
func (s *Service) Grant(ctx context.Context, by identity.Actor, id uuid.UUID, w Wish) error {
	return s.decide(ctx, by, id, func(tx *tenancy.Tx, g Grant) error {
		w.Object = strings.TrimSpace(w.Object)
		wrong, err := w.within(g.Wish, func(ref string) (string, error) { return s.Cases.OfficeOf(tx, ref) })
		if err != nil {
			return err
		}
		if len(wrong) > 0 {
			return invalid(wrong)
		}
		if _, err := tx.Exec(`update access_grants set state = 'granted', scope = $2, object = $3, decided_by = $4, decided_at = now(),
			granted_until = now() + make_interval(hours => $5) where id = $1`, id, string(w.Scope), w.Object, by.Name(), w.Hours); err != nil {
			return err
		}
		if err := s.Outbox.AddAfter(tx, jobEnd, told{Grant: id}, time.Duration(w.Hours)*time.Hour+time.Second); err != nil {
			return err
		}
		return s.noted(tx, by, g, "granted", w.facts())
	})
}

// Refuse says no, with a word why if there is one. Errors: as Grant.
func (s *Service) Refuse(ctx context.Context, by identity.Actor, id uuid.UUID, answer string) error {
	answer = strings.TrimSpace(answer)
	if len(answer) > 1000 {
		return invalid(map[string]string{"answer": "access.error.answer"})
	}
	return s.decide(ctx, by, id, func(tx *tenancy.Tx, g Grant) error {
		if _, err := tx.Exec("update access_grants set state = 'refused', answer = $2, decided_by = $3, decided_at = now() where id = $1", id, answer, by.Name()); err != nil {
			return err
		}
		return s.noted(tx, by, g, "refused", nil)
	})
}

// decide is the frame of both: one administrator at a time, of what is still
// open.
func (s *Service) decide(ctx context.Context, by identity.Actor, id uuid.UUID, do func(tx *tenancy.Tx, g Grant) error) error {
	return s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		g, err := byID(tx, id, true)
		switch {
		case err != nil:
			return err
		case g.State != Asked:
			return ErrState
		case strings.EqualFold(strings.TrimSpace(by.Email()), strings.TrimSpace(g.StaffEmail)):
			return ErrSelf
		}
		return do(tx, g)
	})
}

// Revoke ends a grant now: the guest's next request finds nothing. Revoking
// what has ended does nothing. Errors: ErrNotFound, ErrState.
func (s *Service) Revoke(ctx context.Context, by identity.Actor, id uuid.UUID) error {
	return s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		g, err := byID(tx, id, true)
		switch {
		case err != nil:
			return err
		case g.State == Ended, g.State == Revoked:
			return nil
		case g.State != Granted:
			return ErrState
		}
		if _, err := tx.Exec("update access_grants set state = 'revoked', closed_by = $2, closed_at = now() where id = $1", id, by.Name()); err != nil {
			return err
		}
		return s.noted(tx, by, g, "revoked", nil)
	})
}

// noted puts a step on the commune's audit and, by the outbox, on the entity's.
func (s *Service) noted(tx *tenancy.Tx, by identity.Actor, g Grant, event string, details map[string]any) error {
	if err := audit.Record(tx, by, "access."+event, object(g.ID), details); err != nil {
		return err
	}
	if err := s.Outbox.Add(tx, jobTell, told{Grant: g.ID, Event: event, At: s.Clock.Now(), By: by.Name()}); err != nil {
		return err
	}
	return tx.Bump(topic)
}

// Standing is identity.Guests: the grant as it is now, by the clock of the
// commune's database, and the member as the entity has them now.
func (s *Service) Standing(ctx context.Context, t tenancy.Tenant, id, staffID uuid.UUID) (identity.Guest, bool, error) {
	var found []Grant
	var reads tenancy.Reads
	tenancy.Collect(&reads, &found, scan, "select "+columns+` from access_grants
		where id = $1 and staff_id = $2 and state = 'granted' and decided_at <= now() and granted_until > now()`, id, staffID)
	if err := s.DB.ReadTogether(ctx, t, &reads); err != nil || len(found) == 0 {
		return identity.Guest{}, false, err
	}
	member, ok, err := s.Staff.Member(ctx, staffID)
	if err != nil || !ok {
		return identity.Guest{}, false, err
	}
	if may, err := s.Access.May(member, ActionAsk); err != nil || !may {
		return identity.Guest{}, false, err
	}
	g := found[0]
	return identity.Guest{Grant: g.ID, StaffID: g.StaffID, Name: g.StaffName, Scope: g.Scope, Object: g.Object, Reason: g.Wish.Reason, Until: *g.Until}, true, nil
}

// HandOver makes the address at which the asker enters the commune: to be used
// once, within a minute. Errors: ErrNotFound unless the grant is the actor's
// own and holds.
func (s *Service) HandOver(ctx context.Context, by identity.Actor, t tenancy.Tenant, id uuid.UUID) (string, error) {
	if _, ok, err := s.Standing(ctx, t, id, by.AccountID()); err != nil {
		return "", err
	} else if !ok {
		return "", ErrNotFound
	}
	token, err := s.Identity.Sessions.HandOver(ctx, t, id, by.AccountID())
	if err != nil {
		return "", err
	}
	return s.URL(t, enterPath+"/"+token), s.Staff.Record(ctx, by, "access.link", "commune:"+t.Slug()+"/"+object(id), "{}")
}

// Enter uses a hand-over token up: the guest's session begins, and both audits
// know. It returns the session and where to go. Errors: identity.ErrHandOver.
func (s *Service) Enter(ctx context.Context, t tenancy.Tenant, token string) (session, to string, err error) {
	session, by, err := s.Identity.EnterAsGuest(ctx, t, token)
	if err != nil {
		return "", "", err
	}
	g, _ := by.Guest()
	if err := s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		if err := audit.Record(tx, by, actionEntered, object(g.Grant), nil); err != nil {
			return err
		}
		return s.Outbox.Add(tx, jobTell, told{Grant: g.Grant, Event: "entered", At: s.Clock.Now(), By: g.Name})
	}); err != nil {
		return "", "", fmt.Errorf("breakglass: %w", err)
	}
	switch g.Scope {
	case identity.ScopeCase:
		return session, "/ufficio/pratiche/" + g.Object, nil
	case identity.ScopeOffice:
		return session, "/ufficio?vista=office", nil
	}
	return session, "/console", nil
}

const actionEntered = "access.entered"

// OfCommune lists the newest requests with what was read under those that were
// granted.
func (s *Service) OfCommune(ctx context.Context, by identity.Actor) (list []Grant, reads map[uuid.UUID][]audit.Line, err error) {
	err = s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		if list, err = recent(tx, listMax); err != nil {
			return err
		}
		refs := map[string]uuid.UUID{}
		var names []string
		for _, g := range list {
			if g.Until != nil {
				refs[g.ref()] = g.ID
				names = append(names, g.ref())
			}
		}
		reads = map[uuid.UUID][]audit.Line{}
		if len(names) == 0 {
			return nil
		}
		lines, err := audit.ByActors(tx, names, actionEntered, 500)
		for _, l := range lines {
			reads[refs[l.ActorID]] = append(reads[refs[l.ActorID]], l)
		}
		return err
	})
	return list, reads, err
}

// OfEntity lists what the entity asked of a commune and how it stands there:
// the state, and how many things were read, never which.
func (s *Service) OfEntity(ctx context.Context, t tenancy.Tenant) (list []Grant, reads map[uuid.UUID]int64, err error) {
	if list, err = requestsTo(ctx, s.DB, t.Slug(), listMax); err != nil || len(list) == 0 {
		return list, nil, err
	}
	ids := make([]uuid.UUID, len(list))
	for i, g := range list {
		ids[i] = g.ID
	}
	reads = map[uuid.UUID]int64{}
	err = s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select "+columns+" from access_grants where id = any($1)", ids)
		if err != nil {
			return err
		}
		known, err := pgx.CollectRows(rows, scan)
		if err != nil {
			return err
		}
		refs := make([]string, 0, len(known))
		for _, k := range known {
			refs = append(refs, k.ref())
			for i := range list {
				if list[i].ID == k.ID {
					list[i] = k
				}
			}
		}
		n, err := audit.CountByActors(tx, refs, actionEntered)
		for _, k := range known {
			reads[k.ID] = n[k.ref()]
		}
		return err
	})
	return list, reads, err
}

func invalid(wrong map[string]string) error {
	e := ErrWish
	return &problem.Error{Kind: e.Kind, Code: e.Code, Key: e.Key, Fields: wrong}
}
