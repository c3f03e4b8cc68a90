package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Actions are what the audit may be narrowed to, in the order people look for
// them; console.action.<key> is their name.
var Actions = []string{
	"console.brand", "console.embed", "catalogue.switch", "catalogue.accepted", "catalogue.by-itself", "catalogue.refused", "catalogue.undone", "catalogue.adopted", "catalogue.offered", "catalogue.offer-taken", "catalogue.offer-declined", "catalogue.accept-small", "catalogue.fee", "catalogue.edit", "catalogue.propose", "catalogue.publish", "catalogue.rebase", "catalogue.drop", "catalogue.pause", "catalogue.two-persons", "catalogue.confirm-fee", "payments.account-changed", "documents.seal-changed",
	"access.asked", "access.granted", "access.refused", "access.entered", "access.read", "access.revoked", "access.ended",
	"domains.asked", "domains.live", "domains.main", "domains.removed", "domains.failing", "domains.mended", "domains.warned", "domains.off", "domains.expired", "domains.taken",
	"takeover.tried", "takeover.kept", "audit.exported", "audit.anchored", "identity.sign-in", "identity.register", "identity.confirm", "identity.invite", "identity.accept",
	"cases.submitted", "cases.searched", "cases.read", "cases.read-file", "cases.taken", "cases.asked", "cases.replied", "cases.noted", "cases.moved", "cases.referred",
	"cases.decided-granted", "cases.decided-refused", "cases.paid", "cases.issued", "cases.withdrawn",
	"payments.started", "payments.fulfilled", "payments.failed", "payments.paid-twice", "payments.second-transaction", "payments.given-back", "payments.refunded",
	"documents.issued", "documents.opened", "documents.revoked",
}

// ActionName is what was done, in words.
func ActionName(ctx context.Context, action string) string {
	if key := "console.action." + action; i18n.Has(ctx, key) {
		return i18n.T(ctx, key)
	}
	return action
}

// ObjectName is what it was done to: "servizio stato-famiglia", "pagamento
// …2076f4a1". Long numbers are cut to their end, which tells them apart.
func ObjectName(ctx context.Context, object string) string {
	kind, id, _ := strings.Cut(object, ":")
	if _, err := uuid.Parse(id); err == nil {
		id = "…" + id[len(id)-8:]
	}
	if key := "console.object." + kind; i18n.Has(ctx, key) {
		kind = i18n.T(ctx, key)
	}
	return strings.TrimSpace(kind + " " + id)
}

// DetailWords reads the details of a line: "Space ID 915003 · chiave sì".
func DetailWords(ctx context.Context, details string) string {
	var m map[string]any
	if err := json.Unmarshal([]byte(details), &m); err != nil {
		return details
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		value := detailValue(ctx, name, m[name])
		if value == "" {
			continue
		}
		if key := "console.detail." + name; i18n.Has(ctx, key) {
			name = i18n.T(ctx, key)
		}
		out = append(out, name+" "+value)
	}
	return strings.Join(out, " · ")
}

func detailValue(ctx context.Context, name string, v any) string {
	switch x := v.(type) {
	case bool:
		if x {
			return i18n.T(ctx, "ui.yes")
		}
		return i18n.T(ctx, "ui.no")
	case float64:
		if name == "amount" {
			return money.CHF(x).String()
		}
		return fmt.Sprintf("%.0f", x)
	case string:
		if key := "console.value." + x; i18n.Has(ctx, key) {
			return i18n.T(ctx, key)
		}
		if at, err := time.Parse(time.RFC3339, x); err == nil {
			return i18n.Date(at)
		}
		return x
	case nil:
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
