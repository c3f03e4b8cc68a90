package redistest

import (
	"net/url"
	"strconv"
	"testing"
)

// withDatabase is the address with another database number.
func withDatabase(t testing.TB, address string, n int) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + strconv.Itoa(n)
	return u.String()
}
