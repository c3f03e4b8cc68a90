package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// register gives a commune residents who can pay for a certificate, and returns
// their numbers, which are other ones for each crowd.
func (d *deployment) register(ctx context.Context, t tenancy.Tenant, crowd int) ([]string, error) {
	now := time.Now()
	list, err := local.Generate(local.Sample{BFS: t.BFS() + crowd, Town: t.Name(), Places: []local.SamplePlace{{Postcode: "6900", Name: t.Name()}},
		Quarters: []string{"Centro"}, Today: now}, 1000)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(r local.Record) bool {
		return r.Status != "domicile" || r.Protected || r.Blocked || r.Born > now.AddDate(-20, 0, 0).Format(time.DateOnly)
	})
	var numbers []string
	for _, r := range list {
		numbers = append(numbers, r.AVS.String())
	}
	return numbers, d.inside.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		_, err := local.Import(tx, list, now, false)
		return err
	})
}

// numbers hands each resident's number out once.
type numbers struct {
	mu   sync.Mutex
	left map[string][]string
}

func (n *numbers) next(slug string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.left[slug]
	if len(list) == 0 {
		return "", false
	}
	n.left[slug] = list[1:]
	return list[0], true
}

// What the two services ask.
const (
	free        = "accesso-documenti-ufficiali"
	freeAnswers = `{"documento": "La perizia sul traffico del quartiere", "forma": "file"}`
	paid        = "certificato-domicilio"
	paidAnswers = `{"per_chi": "me", "motivo": "locazione", "lingua": "it", "consegna": "casella"}`
)

// person is somebody who files one request.
type person struct {
	identity.Account
	slug    string
	pays    bool
	draft   uuid.UUID
	cookie  string
	filed   bool // the submission was acknowledged
	settled bool // the payment was acknowledged
}

func newPerson(prefix, slug, avs string) *person {
	p := &person{slug: slug, pays: avs != ""}
	now := time.Now()
	p.Account = identity.Account{ID: uuid.New(), FirstName: "Prova", LastName: "Guasto", Level: identity.LevelSelfDeclared, Lang: "it", ConfirmedAt: &now, CreatedAt: now}
	p.Email = fmt.Sprintf("%s%s-%s@example.ch", prefix, slug, p.ID)
	if p.pays {
		p.Level, p.AVS = identity.LevelVerified, &avs
	}
	return p
}

// address is where a person seems to come from.
func (p *person) address() string {
	return net.IPv4(10, p.ID[0], p.ID[1], p.ID[2]).String()
}

// prepare gives a person an account and a draft that is filled in. It can be
// tried again.
func (d *deployment) prepare(ctx context.Context, p *person) error {
	t, err := d.tenant(ctx, p.slug)
	if err != nil {
		return err
	}
	if err := d.inside.DB.In(ctx, t, func(tx *tenancy.Tx) error { a := p.Account; return identity.SaveAccount(tx, &a) }); err != nil {
		return err
	}
	service, answers := free, freeAnswers
	if p.pays {
		service, answers = paid, paidAnswers
	}
	if p.draft, err = d.inside.Forms.Begin(ctx, identity.Person(t, p.Account, nil), service, "it"); err != nil {
		return err
	}
	return d.inside.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update drafts set answers = $1 where id = $2", answers, p.draft)
		return err
	})
}

// signIn opens a session.
func (d *deployment) signIn(ctx context.Context, p *person) error {
	t, err := d.tenant(ctx, p.slug)
	if err != nil {
		return err
	}
	p.cookie, err = d.inside.Identity.Begin(ctx, t, p.Account, "chaos")
	return err
}
