// Package support is the service desk between the communes and the entity.
//
// It owns requests, their messages, the agreed times per priority and the
// figures. A request lies in the platform's schema, for it belongs to the
// relation between the two; a commune reaches its own through ofCommune and
// oneOfCommune alone, which take the commune from its Tenant.
//
// Life: open → answered (the entity wrote) → open (the commune wrote again) →
// solved; a message on a solved request opens it anew. The agreed times are
// counted in working hours and stay with the request.
package support
