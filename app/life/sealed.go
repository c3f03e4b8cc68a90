package life

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// sealedColumns are the sealed parts of a table, nil when it has none.
type sealedColumns struct{ rows keys.Rows }

// sealedIn finds who keeps something sealed in a table.
func (l *Life) sealedIn(table string) *sealedColumns {
	for _, w := range l.Sealed {
		if r, ok := w.(keys.Rows); ok && r.Table == table {
			return &sealedColumns{r}
		}
	}
	return nil
}

// open replaces sealed values of a row, as PostgreSQL prints them, by what they
// hold; a column that was bytes becomes text.
func (s *sealedColumns) open(k *keys.Commune, t tenancy.Tenant, columns []string, values []*string) error {
	return s.each(t, columns, values, func(column, value, place string) (string, error) {
		if slices.Contains(s.rows.JSON, column) {
			out, err := k.OpenJSON([]byte(value), place)
			return string(out), err
		}
		if slices.Contains(s.rows.Text, column) {
			return k.OpenText(value, place)
		}
		sealed, err := hex.DecodeString(strings.TrimPrefix(value, `\x`))
		if err != nil || len(sealed) == 0 {
			return value, err
		}
		plain, err := k.Open(sealed, place)
		return string(plain), err
	})
}

// close is the way back: what open made is sealed under another commune's key.
func (s *sealedColumns) close(k *keys.Commune, t tenancy.Tenant, columns []string, values []*string) error {
	return s.each(t, columns, values, func(column, value, place string) (string, error) {
		if slices.Contains(s.rows.JSON, column) {
			out, err := k.SealJSON([]byte(value), place)
			return string(out), err
		}
		if slices.Contains(s.rows.Text, column) {
			return k.SealText(value, place)
		}
		if value == "" {
			return value, nil
		}
		sealed, err := k.Seal([]byte(value), place)
		return `\x` + hex.EncodeToString(sealed), err
	})
}

func (s *sealedColumns) each(t tenancy.Tenant, columns []string, values []*string, f func(column, value, place string) (string, error)) error {
	if s == nil {
		return nil
	}
	at := slices.Index(columns, s.rows.Bound())
	if at < 0 || values[at] == nil {
		return nil
	}
	place := s.rows.Place(t, *values[at])
	for i, c := range columns {
		if values[i] == nil || !slices.Contains(s.rows.Bytes, c) && !slices.Contains(s.rows.JSON, c) && !slices.Contains(s.rows.Text, c) {
			continue
		}
		out, err := f(c, *values[i], place)
		if err != nil {
			return err
		}
		values[i] = &out
	}
	return nil
}
