package forms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// registerPatience is how long a person waits for the register.
const registerPatience = 3 * time.Second

// Begin finds the person's draft of a service, or begins one filled with what
// the register knows. Errors: the catalogue's when the service is not offered,
// ErrLevel, ErrNotEligible.
func (m *Module) Begin(ctx context.Context, by identity.Actor, service, lang string) (uuid.UUID, error) {
	offer, err := m.Services.Offer(ctx, by.Tenant(), service)
	if err != nil {
		return uuid.Nil, err
	}
	if by.Level() < offer.BeginLevel {
		return uuid.Nil, ErrLevel.With("level", offer.BeginLevel, "have", by.Level())
	}
	facts, known, err := m.facts(ctx, by)
	if err != nil {
		return uuid.Nil, err
	}
	in, err := m.setting(ctx, by.Tenant(), offer, facts, nil)
	if err != nil {
		return uuid.Nil, err
	}
	if in.Rules.Left, err = offer.left(ctx, in.Rules); err != nil {
		return uuid.Nil, err
	}
	unmet, err := offer.Rules.EligibleToBegin(ctx, in.Rules)
	if err != nil {
		return uuid.Nil, err
	}
	if len(unmet) > 0 {
		return uuid.Nil, ErrNotEligible.With("reason", unmet[0].Reason.In(lang))
	}
	if offer.TurnsAway && !offer.Rules.PotAsks() && in.Rules.Left.Places <= 0 {
		return uuid.Nil, contingents.ErrNothingLeft
	}
	now := m.Clock.Now()
	draft := Draft{
		ID: uuid.Must(uuid.NewV7()), AccountID: by.AccountID(), ServiceID: offer.ID, ServiceVersion: offer.Version, ServiceHash: offer.Hash,
		Answers: offer.Form.Prefill(Answers{}, known, in), Facts: facts, CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(m.Deps.Keep),
	}
	err = m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		inserted, err := insertDraft(tx, draft)
		if err != nil || inserted {
			return err
		}
		existing, _, err := openDraft(tx, by.AccountID(), offer.ID)
		if err != nil {
			return err
		}
		// Resumed: the answers stay, what is known of the person is fresh.
		draft.ID = existing.ID
		if existing.Answers, err = offer.Form.Decode(existing.raw); err != nil {
			return err
		}
		existing.Facts, existing.UpdatedAt, existing.ExpiresAt = facts, now, now.Add(m.Deps.Keep)
		return updateDraft(tx, existing)
	})
	return draft.ID, err
}

// facts asks the register for the person; one that does not answer is no
// reason to send anybody away.
func (m *Module) facts(ctx context.Context, by identity.Actor) (Facts, Known, error) {
	account, err := identity.OwnAccount(ctx, m.DB, by)
	if err != nil || account == nil {
		return Facts{}, nil, errors.Join(err, errNoAccount(account))
	}
	facts := Facts{Applicant: rules.Applicant{Level: by.Level(), Kind: "person", ForSelf: true}, Name: account.FullName()}
	if account.Firm != "" {
		facts.Applicant.Kind = "firm"
	}
	known := Known{
		"applicant.email": account.Email, "applicant.name": account.FullName(), "applicant.phone": account.Phone,
		"applicant.first_name": account.FirstName, "applicant.last_name": account.LastName, "applicant.firm": account.Firm,
	}
	if account.AVS == nil {
		return facts, known, nil
	}
	number, err := swiss.ParseAVS(*account.AVS)
	if err != nil {
		return facts, known, nil // an account without a usable number is nobody in the register
	}
	ctx, cancel := context.WithTimeout(ctx, registerPatience)
	defer cancel()
	person, err := m.People.Person(ctx, by.Tenant(), number)
	switch {
	case errors.Is(err, registers.ErrNotFound):
	case err != nil:
		slog.WarnContext(ctx, "population register away", "commune", by.Tenant().Slug(), "error", err)
		facts.RegisterDown = true
	default:
		facts.Register = person.Facts(m.Clock.Now())
		facts.Name, facts.Born, facts.Address = person.Name(), Day(person.Born), person.Address()
		facts.Minors = minors(person.Household, m.Clock.Now())
		for name, words := range person.Words() {
			known[name] = words
		}
		known["register.address"] = Place{Address: person.Street, Postcode: person.Postcode, Town: person.Town}
		known["register.born"] = Day(person.Born)
		known["register.person"] = Record{
			"first_name": person.FirstName, "last_name": person.LastName, "born": Day(person.Born), "avs": person.AVS.String(),
			"email": account.Email, "phone": account.Phone,
		}
	}
	return facts, known, nil
}

// minors are the children among the members of a household, the eldest first.
func minors(household []registers.Member, today time.Time) []Minor {
	var out []Minor
	for _, member := range household {
		if born := Day(member.Born); !born.Time().IsZero() && rules.Years(born.Time(), today) < adulthood {
			out = append(out, Minor{FirstName: member.FirstName, LastName: member.LastName, Born: born, AVS: member.AVS.String()})
		}
	}
	slices.SortFunc(out, func(a, b Minor) int { return strings.Compare(string(a.Born)+a.FirstName, string(b.Born)+b.FirstName) })
	return out
}

func errNoAccount(account *identity.Account) error {
	if account == nil {
		return ErrNoDraft
	}
	return nil
}

// setting is what reading and checking a draft needs.
func (m *Module) setting(ctx context.Context, t tenancy.Tenant, offer *Offer, facts Facts, uploads []Upload) (Setting, error) {
	in := Setting{Files: countByField(uploads), Commune: t.Name(), Minors: facts.Minors}
	in.Rules = rules.Input{
		Amounts: offer.Amounts, Limits: offer.Limits, Applicant: facts.Applicant, Register: facts.Register, Today: m.Clock.Now(),
	}
	if m.Territory == nil {
		return in, nil
	}
	land, err := m.Territory(ctx, t)
	in.Postcodes, in.Sections, in.Extent = land.Postcodes, land.Sections, land.Extent
	return in, err
}

// opened is a draft with everything its pages need.
type opened struct {
	Draft
	offer   *Offer
	uploads []Upload
	in      Setting
	changed bool // the service is no longer the one the draft was begun with
}

// open reads a draft of the actor; another's is not found.
func (m *Module) open(ctx context.Context, by identity.Actor, id uuid.UUID) (opened, error) {
	var o opened
	var found []Draft
	var reads tenancy.Reads
	readDraft(&reads, by.AccountID(), id, &found)
	readUploads(&reads, id, &o.uploads)
	if err := m.DB.ReadTogether(ctx, by.Tenant(), &reads); err != nil {
		return opened{}, fmt.Errorf("forms: %w", err)
	}
	if len(found) == 0 {
		return opened{}, ErrNoDraft
	}
	o.Draft = found[0]
	k, err := m.DB.Keys(ctx, by.Tenant())
	if err != nil {
		return opened{}, fmt.Errorf("forms: %w", err)
	}
	if err := o.unseal(k); err != nil {
		return opened{}, err
	}
	return o, m.complete(ctx, by, &o)
}

func (m *Module) complete(ctx context.Context, by identity.Actor, o *opened) error {
	var err error
	if o.offer, err = m.Services.Offer(ctx, by.Tenant(), o.ServiceID); err != nil {
		return err
	}
	o.changed = o.ServiceHash != o.offer.Hash
	if o.Answers, err = o.offer.Form.Decode(o.raw); err != nil {
		// The definition changed under the draft: what no longer fits is asked
		// again, the rest stays.
		o.Answers = o.offer.Form.Salvage(o.raw)
	}
	o.Files, o.FileNames = countByField(o.uploads), namesByField(o.uploads)
	o.in, err = m.setting(ctx, by.Tenant(), o.offer, o.Facts, o.uploads)
	return err
}

// save keeps the draft's answers and moves its expiry.
func (m *Module) save(ctx context.Context, by identity.Actor, o *opened) error {
	now := m.Clock.Now()
	o.ServiceVersion, o.ServiceHash = o.offer.Version, o.offer.Hash
	o.UpdatedAt, o.ExpiresAt = now, now.Add(m.Deps.Keep)
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error { return updateDraft(tx, o.Draft) })
}

// attach stores the files sent for one field of a draft and returns a sentence
// key and its values for each that was refused.
func (m *Module) attach(ctx context.Context, by identity.Actor, o *opened, field *Field, files []*multipart.FileHeader) error {
	for _, file := range files {
		if file.Filename == "" && file.Size == 0 {
			continue
		}
		if o.Files[field.ID] >= field.maxFiles() {
			return ErrTooManyFiles.With("label", field.Label.In("it"), "max", field.maxFiles())
		}
		if err := m.room(ctx, by.Tenant(), file.Size); err != nil {
			return err
		}
		u, err := m.keep(ctx, by, "draft/"+o.ID.String(), file)
		if err != nil {
			return err
		}
		u.DraftID, u.Field = &o.ID, field.ID
		err = m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
			// The lock makes two windows count the same files.
			if _, err := findDraft(tx, by.AccountID(), o.ID, true); err != nil {
				return err
			}
			have, err := ofDraft(tx, o.ID)
			if err != nil {
				return err
			}
			if countByField(have)[field.ID] >= field.maxFiles() {
				return ErrTooManyFiles.With("label", field.Label.In("it"), "max", field.maxFiles())
			}
			return insertUpload(tx, u)
		})
		if err != nil && !tenancy.Unsure(err) {
			m.Drop(ctx, by, []Upload{u})
		}
		if err != nil {
			return err
		}
		o.uploads = append(o.uploads, u)
		o.Files = countByField(o.uploads)
		o.in.Files = o.Files
	}
	return nil
}

// detach removes a file from a draft.
func (m *Module) detach(ctx context.Context, by identity.Actor, o *opened, id uuid.UUID) (Upload, error) {
	for i, u := range o.uploads {
		if u.ID != id {
			continue
		}
		err := m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
			return m.deleteUploads(tx, "id = $1 and draft_id = $2", id, o.ID)
		})
		if err != nil {
			return u, err
		}
		o.uploads = append(o.uploads[:i:i], o.uploads[i+1:]...)
		o.Files = countByField(o.uploads)
		o.in.Files = o.Files
		return u, m.Blobs.For(by.Tenant().Slug()).Delete(ctx, u.BlobKey)
	}
	return Upload{}, ErrNoDraft
}

// Discard forgets a draft and its files.
func (m *Module) Discard(ctx context.Context, by identity.Actor, id uuid.UUID) error {
	var uploads []Upload
	err := m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		if _, err := findDraft(tx, by.AccountID(), id, true); err != nil {
			return err
		}
		var err error
		uploads, err = m.removeDraft(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	return m.forget(ctx, by.Tenant(), uploads)
}

func (m *Module) removeDraft(tx *tenancy.Tx, id uuid.UUID) ([]Upload, error) {
	uploads, err := ofDraft(tx, id)
	if err != nil {
		return nil, err
	}
	if err := m.deleteUploads(tx, "draft_id = $1", id); err != nil {
		return nil, err
	}
	return uploads, deleteDraft(tx, id)
}

// forget deletes bytes whose rows are gone.
func (m *Module) forget(ctx context.Context, t tenancy.Tenant, uploads []Upload) error {
	var problems []error
	for _, u := range uploads {
		problems = append(problems, m.Blobs.For(t.Slug()).Delete(ctx, u.BlobKey))
	}
	return errors.Join(problems...)
}

// Expire forgets the drafts of a commune whose time is over. It may run twice.
func (m *Module) Expire(ctx context.Context, t tenancy.Tenant) error {
	var uploads []Upload
	err := m.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		old, err := expired(tx, m.Clock.Now())
		if err != nil {
			return err
		}
		for _, d := range old {
			files, err := m.removeDraft(tx, d.ID)
			if err != nil {
				return err
			}
			uploads = append(uploads, files...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.forget(ctx, t, uploads)
}

// OpenDraft tells whether the actor has begun a request for a service.
func (m *Module) OpenDraft(ctx context.Context, by identity.Actor, service string) (id uuid.UUID, found bool, err error) {
	var ids []uuid.UUID
	var reads tenancy.Reads
	tenancy.Collect(&reads, &ids, pgx.RowTo[uuid.UUID],
		"select id from drafts where account_id = $1 and service_id = $2 and submitted_at is null", by.AccountID(), service)
	if err := m.DB.ReadTogether(ctx, by.Tenant(), &reads); err != nil || len(ids) == 0 {
		return uuid.Nil, false, err
	}
	return ids[0], true, nil
}
