package problem

import "net/http"

// Kind is the sort of answer an error asks for. It fixes the HTTP status.
type Kind uint8

// The kinds. Internal is the zero value, so that an Error somebody forgot to
// classify is reported as our fault and not as the visitor's.
const (
	KindInternal        Kind = iota // 500: a fault of ours
	KindNotFound                    // 404: does not exist, or not for this visitor
	KindInvalid                     // 422: what was sent cannot be accepted as it is
	KindForbidden                   // 403: known, and not allowed
	KindUnauthenticated             // 401: sign in first, or at a higher level
	KindConflict                    // 409: somebody else was faster, or it is already done
	KindTooMany                     // 429: too often; see RetryAfter
	KindUnavailable                 // 503: a part we need is away; see RetryAfter
	KindTooLarge                    // 413: more bytes than accepted
)

var kinds = [...]struct {
	name   string
	status int
}{
	KindInternal:        {"internal", http.StatusInternalServerError},
	KindNotFound:        {"not-found", http.StatusNotFound},
	KindInvalid:         {"invalid", http.StatusUnprocessableEntity},
	KindForbidden:       {"forbidden", http.StatusForbidden},
	KindUnauthenticated: {"unauthenticated", http.StatusUnauthorized},
	KindConflict:        {"conflict", http.StatusConflict},
	KindTooMany:         {"too-many", http.StatusTooManyRequests},
	KindUnavailable:     {"unavailable", http.StatusServiceUnavailable},
	KindTooLarge:        {"too-large", http.StatusRequestEntityTooLarge},
}

// Status is the HTTP status code of the kind; 500 for a value outside the table.
func (k Kind) Status() int {
	if int(k) >= len(kinds) {
		return http.StatusInternalServerError
	}
	return kinds[k].status
}

// String is the kind's name as it stands in logs and metrics: "not-found".
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return kinds[KindInternal].name
	}
	return kinds[k].name
}
