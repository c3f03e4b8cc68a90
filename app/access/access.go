// Package access answers "may they": which role may do which action.
//
// What a role may is written in configs/access/policy.csv; who holds a role is
// the commune's data (app/identity). Every commune has a casbin enforcer of
// its own, and decisions are cached: one enforcer for all communes would cost
// milliseconds a decision, and could be asked about the wrong one. The domain
// comes from the actor, never from the address.
package access

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/sportello-ticino/sportello/app/identity"
	files "github.com/sportello-ticino/sportello/configs/access"
)

// Action is something a route does, as it stands in the policy.
type Action string

// Public is said out loud by routes that anybody may use.
const Public Action = "public"

// entityDomain is where the shared entity's own staff stand.
const entityDomain = "entity"

// Access decides.
type Access struct {
	model  string
	policy [][]string

	mu        sync.RWMutex
	enforcers map[string]*casbin.Enforcer
	decided   map[question]bool
}

type question struct {
	domain, roles string
	action        Action
}

// New reads model and policy from the binary.
func New() (*Access, error) {
	policy, err := readPolicy(strings.NewReader(files.Policy))
	if err != nil {
		return nil, err
	}
	return &Access{model: files.Model, policy: policy,
		enforcers: map[string]*casbin.Enforcer{}, decided: map[question]bool{}}, nil
}

func readPolicy(r io.Reader) ([][]string, error) {
	c := csv.NewReader(r)
	c.Comment, c.TrimLeadingSpace, c.FieldsPerRecord = '#', true, 3
	lines, err := c.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("access: policy: %w", err)
	}
	for _, l := range lines {
		if l[0] != "p" {
			return nil, fmt.Errorf("access: policy line %v: only p lines; who holds a role is data", l)
		}
	}
	return lines, nil
}

// May reports whether one of the actor's roles allows the action in the
// actor's own commune.
func (a *Access) May(by identity.Actor, action Action) (bool, error) {
	if action == Public {
		return true, nil
	}
	if action == "" {
		return false, errors.New("access: no action asked for")
	}
	domain := entityDomain
	if !by.IsStaff() {
		if !by.Tenant().Valid() {
			return false, nil
		}
		domain = by.Tenant().Slug()
	}
	roles := by.Roles()
	slices.Sort(roles)
	q := question{domain, strings.Join(roles, ","), action}
	a.mu.RLock()
	yes, known := a.decided[q]
	a.mu.RUnlock()
	if known {
		return yes, nil
	}
	e, err := a.enforcer(domain)
	if err != nil {
		return false, err
	}
	a.mu.Lock() // casbin's enforcer is not made for concurrent use
	defer a.mu.Unlock()
	for _, role := range roles {
		if yes, err = e.Enforce(role, string(action)); err != nil {
			return false, fmt.Errorf("access: %w", err)
		} else if yes {
			break
		}
	}
	if len(a.decided) > 100_000 { // a bound, not a policy: roles × actions are few
		clear(a.decided)
	}
	a.decided[q] = yes
	return yes, nil
}

// MaySend reports whether the actor may send anything at all, whatever the
// action: a guest of the entity only reads, and a stranger does not even that.
func MaySend(by identity.Actor) bool { return !by.IsGuest() && !by.IsStranger() }

func (a *Access) enforcer(domain string) (*casbin.Enforcer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e := a.enforcers[domain]; e != nil {
		return e, nil
	}
	m, err := model.NewModelFromString(a.model)
	if err != nil {
		return nil, err
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return nil, err
	}
	for _, l := range a.policy {
		// Roles of the entity exist in the entity's domain alone, and no
		// other role does: the entity has no role in any commune.
		if strings.HasPrefix(l[1], "entity-") != (domain == entityDomain) {
			continue
		}
		if _, err := e.AddPolicy(l[1], l[2]); err != nil {
			return nil, err
		}
	}
	a.enforcers[domain] = e
	return e, nil
}

// Roles lists the roles that appear in the policy, sorted.
func (a *Access) Roles() []string {
	var out []string
	for _, l := range a.policy {
		if !slices.Contains(out, l[1]) {
			out = append(out, l[1])
		}
	}
	slices.Sort(out)
	return out
}

// Grants reports whether any role of the policy allows the action; a route
// whose action nobody holds is a mistake.
func (a *Access) Grants(action Action) bool {
	return slices.ContainsFunc(a.policy, func(l []string) bool {
		return l[2] == string(action) || (strings.HasSuffix(l[2], ".*") && strings.HasPrefix(string(action), strings.TrimSuffix(l[2], "*")))
	})
}
