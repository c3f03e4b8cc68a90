package identity

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The roles of a commune's staff: those of OfficeRoles are held for offices,
// those of WholeRoles for the whole commune.
var (
	OfficeRoles = []string{"official", "office-head", "counter-clerk"}
	WholeRoles  = []string{RoleAdmin, "data-protection-officer"}
)

// WholeCommune stands for all offices in a Holding.
const WholeCommune = ""

// What can go wrong with a commune's staff.
var (
	ErrOwnRoles      = problem.Forbidden("officials.own", "officials.error.own")              // nobody changes oneself
	ErrLastOfficial  = problem.Conflict("officials.last-admin", "officials.error.last-admin") // somebody must be able to let people in
	ErrKnownOfficial = problem.Conflict("officials.known", "officials.error.known")           // works here already
	ErrClosedAccount = problem.Conflict("officials.closed", "officials.error.closed")         // the account was closed
	ErrNoRole        = problem.Invalid("officials.role", "officials.error.role")              // none chosen, or one that does not exist
	errNoOfficial    = problem.NotFound("officials.unknown", "errors.404.text")
)

// Official is somebody of a commune's staff, or somebody who is invited.
type Official struct {
	ID          uuid.UUID
	Name, Email string
	Held        []Holding
	Invited     bool // has not accepted yet: Held is what will be
}

// Admin reports whether the official administers the commune.
func (o Official) Admin() bool {
	return slices.ContainsFunc(o.Held, func(h Holding) bool { return h.Role == RoleAdmin })
}

// maxOfficials bounds the list: a commune of 70,000 has a tenth of that at a desk.
const maxOfficials = 2000

// Officials lists who works for the actor's commune and who is invited, by name.
func (s *Service) Officials(ctx context.Context, by Actor) (out []Official, err error) {
	err = s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		rows, err := tx.Query(`select a.id, a.first_name || ' ' || a.last_name as name, a.email, x.role, x.office, x.invited from (
			select account_id, role, office, false as invited from role_holders
			union all
			select k.account_id, h.role, h.office, true from account_tokens k, jsonb_to_recordset(k.holdings) as h(role text, office text)
			where k.kind = 'invite' and k.used_at is null and k.expires_at > $1
		) x join accounts a on a.id = x.account_id where a.disabled_at is null order by name, a.id, x.role, x.office limit $2`, s.Clock.Now(), maxOfficials)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var o Official
			var h Holding
			if err := rows.Scan(&o.ID, &o.Name, &o.Email, &h.Role, &h.Office, &o.Invited); err != nil {
				return err
			}
			if n := len(out); n == 0 || out[n-1].ID != o.ID {
				out = append(out, o)
			}
			last := &out[len(out)-1]
			last.Held = append(last.Held, h)
		}
		return rows.Err()
	})
	return out, err
}

// Appoint lets somebody work for the actor's commune. Whoever has an account
// gets the roles at once and a mail that says so; anybody else an invitation,
// and the roles when it is accepted. Errors: problem.Invalid with the fields
// "name" and "email", ErrNoRole, ErrKnownOfficial, ErrClosedAccount,
// ErrOwnRoles.
func (s *Service) Appoint(ctx context.Context, by Actor, who Invitee, held []Holding) (invited bool, err error) {
	if wrong := who.Check(); len(wrong) > 0 {
		return false, &problem.Error{Kind: problem.KindInvalid, Code: "officials.who", Key: "error.form",
			Fields: map[string]string{"name": wrong["admin_name"], "email": wrong["admin_email"]}}
	}
	if !validRoles(held) || len(held) == 0 {
		return false, ErrNoRole
	}
	err = s.changeOfficials(ctx, by, func(tx *tenancy.Tx) error {
		a, err := AccountByEmail(tx, who.Email)
		switch {
		case err != nil:
			return err
		case a == nil:
			first, last, _ := strings.Cut(who.Name, " ")
			a = &Account{ID: uuid.Must(uuid.NewV7()), Email: who.Email, FirstName: first, LastName: last, Lang: "it", CreatedAt: s.Clock.Now()}
			if err := SaveAccount(tx, a); err != nil {
				return err
			}
		case a.ID == by.AccountID():
			return ErrOwnRoles
		case a.DisabledAt != nil:
			return ErrClosedAccount
		}
		if now, err := holdings(tx, a.ID); err != nil || len(now) > 0 {
			return cmp.Or[error](err, ErrKnownOfficial)
		}
		if err := s.Audit(tx, by, "identity.appointed", "account:"+a.ID.String(), map[string]any{"roles": describe(held)}); err != nil {
			return err
		}
		if a.ConfirmedAt == nil {
			invited = true
			return s.inviteOfficial(tx, *a, held)
		}
		if err := hold(tx, a.ID, held); err != nil {
			return err
		}
		return s.Mailer.SendTemplate(tx, a.Email, "appointed", a.Lang,
			map[string]string{"name": a.FullName(), "link": s.URL(tx.Tenant(), "/accedi?next=/ufficio")}, "appointed:"+a.ID.String()+":"+s.Clock.Now().Format("20060102150405"))
	})
	return invited, err
}

// SetRoles replaces what somebody else of the commune's staff holds; with none
// they do not work here any more. Open sessions follow within a second. Errors:
// ErrNoRole, ErrOwnRoles, ErrLastOfficial, NotFound.
func (s *Service) SetRoles(ctx context.Context, by Actor, id uuid.UUID, held []Holding) error {
	if !validRoles(held) {
		return ErrNoRole
	}
	return s.changeOfficials(ctx, by, func(tx *tenancy.Tx) error {
		if id == by.AccountID() {
			return ErrOwnRoles
		}
		before, err := holdings(tx, id)
		if err != nil || len(before) == 0 {
			return cmp.Or[error](err, errNoOfficial)
		}
		if _, err := tx.Exec("delete from role_holders where account_id = $1", id); err != nil {
			return err
		}
		if err := hold(tx, id, held); err != nil {
			return err
		}
		if err := tx.Bump(rolesTopic); err != nil { // also where none is held any more
			return err
		}
		return s.Audit(tx, by, "identity.roles", "account:"+id.String(), map[string]any{"roles": describe(before) + " → " + describe(held)})
	})
}

// Reinvite mails another link to somebody who has not accepted; the one before
// ends. Errors: NotFound.
func (s *Service) Reinvite(ctx context.Context, by Actor, id uuid.UUID) error {
	return s.changeOfficials(ctx, by, func(tx *tenancy.Tx) error {
		held, err := s.invitation(tx, id)
		if err != nil {
			return err
		}
		a, err := AccountByID(tx, id)
		if err != nil || a == nil {
			return cmp.Or[error](err, errNoOfficial)
		}
		if err := s.Audit(tx, by, "identity.reinvited", "account:"+id.String(), nil); err != nil {
			return err
		}
		return s.inviteOfficial(tx, *a, held)
	})
}

// Uninvite takes an invitation back; its link ends. Errors: NotFound.
func (s *Service) Uninvite(ctx context.Context, by Actor, id uuid.UUID) error {
	return s.changeOfficials(ctx, by, func(tx *tenancy.Tx) error {
		if _, err := s.invitation(tx, id); err != nil {
			return err
		}
		if err := dropInvitations(tx, id); err != nil {
			return err
		}
		return s.Audit(tx, by, "identity.uninvited", "account:"+id.String(), nil)
	})
}

// changeOfficials runs fn for somebody who administers the commune at that
// moment, one change after the other; afterwards an administrator must be left.
func (s *Service) changeOfficials(ctx context.Context, by Actor, fn func(tx *tenancy.Tx) error) error {
	return s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		if _, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended($1, 0))", "officials "+tx.Tenant().Slug()); err != nil {
			return err
		}
		var admin, left bool
		if err := tx.QueryRow("select exists (select from role_holders where account_id = $1 and role = $2)", by.AccountID(), RoleAdmin).Scan(&admin); err != nil {
			return err
		}
		if !admin {
			return ErrOwnRoles
		}
		if err := fn(tx); err != nil {
			return err
		}
		if err := tx.QueryRow(`select exists (select from role_holders h join accounts a on a.id = h.account_id
			where h.role = $1 and a.confirmed_at is not null and a.disabled_at is null)`, RoleAdmin).Scan(&left); err != nil {
			return err
		}
		if !left {
			return ErrLastOfficial
		}
		return nil
	})
}

func (s *Service) inviteOfficial(tx *tenancy.Tx, a Account, held []Holding) error {
	if err := dropInvitations(tx, a.ID); err != nil {
		return err
	}
	token, err := newToken()
	if err != nil {
		return err
	}
	if _, err := tx.Exec("insert into account_tokens (hash, account_id, kind, expires_at, holdings) values ($1, $2, 'invite', $3, $4)",
		hashToken(token), a.ID, s.Clock.Now().Add(InvitedFor), held); err != nil {
		return err
	}
	return s.Mailer.SendTemplate(tx, a.Email, "invite-official", a.Lang,
		map[string]string{"name": a.FullName(), "link": s.URL(tx.Tenant(), "/invito/"+token)}, "invite:"+a.ID.String()+":"+token[:8])
}

func dropInvitations(tx *tenancy.Tx, account uuid.UUID) error {
	_, err := tx.Exec("delete from account_tokens where account_id = $1 and kind = 'invite' and used_at is null", account)
	return err
}

// invitation is what somebody invited will hold. Errors: errNoOfficial.
func (s *Service) invitation(tx *tenancy.Tx, id uuid.UUID) (held []Holding, err error) {
	err = tx.QueryRow(`select holdings from account_tokens where account_id = $1 and kind = 'invite' and used_at is null
		and expires_at > $2 and holdings <> '[]'`, id, s.Clock.Now()).Scan(&held)
	if errors.Is(err, pgx.ErrNoRows) {
		err = errNoOfficial
	}
	return held, err
}

func holdings(tx *tenancy.Tx, account uuid.UUID) ([]Holding, error) {
	rows, err := tx.Query("select role, office from role_holders where account_id = $1 order by role, office", account)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Holding])
}

func hold(tx *tenancy.Tx, account uuid.UUID, held []Holding) error {
	for _, h := range held {
		if err := Hold(tx, account, h.Role, h.Office); err != nil {
			return err
		}
	}
	return nil
}

// validRoles knows each role and holds those of the whole commune for no office.
func validRoles(held []Holding) bool {
	for _, h := range held {
		if !slices.Contains(OfficeRoles, h.Role) && (!slices.Contains(WholeRoles, h.Role) || h.Office != WholeCommune) {
			return false
		}
	}
	return true
}

// describe is what the audit keeps: «official:polizia, commune-admin».
func describe(held []Holding) string {
	words := make([]string, len(held))
	for i, h := range held {
		if words[i] = h.Role; h.Office != WholeCommune {
			words[i] += ":" + h.Office
		}
	}
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, ", ")
}
