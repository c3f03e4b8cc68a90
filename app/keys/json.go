package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// sealedMark begins a text of a JSON document that is sealed.
const sealedMark = "sealed:"

// avsNumber is the form of an AVS number wherever somebody wrote one: thirteen
// digits that begin with Switzerland's 756, together or in groups.
var avsNumber = regexp.MustCompile(`756\D?\d{4}\D?\d{4}\D?\d{2}`)

var textCoding = base64.RawURLEncoding

// SealJSON seals every text of a JSON document that holds an AVS number, whatever
// the field is called: an answer, its row on the page, what the register said, a
// remark. What is sealed already stays as it is. Errors: ErrDestroyed.
func (c *Commune) SealJSON(document []byte, context string) ([]byte, error) {
	return c.walk(document, []byte("756"), func(s string) (string, error) { return c.SealText(s, context) }, []byte(sealedMark))
}

// SealText seals a text that somebody wrote, whole, when it holds an AVS number,
// and leaves any other readable. Errors: ErrDestroyed.
func (c *Commune) SealText(s, context string) (string, error) {
	// A text that only looks sealed was typed by somebody: sealed, it stays what
	// it is.
	if !avsNumber.MatchString(s) && !strings.HasPrefix(s, sealedMark) {
		return s, nil
	}
	return c.sealText(s, context)
}

// OpenText undoes SealText; what was never sealed stays as it is. Errors: ErrOpen,
// ErrDestroyed.
func (c *Commune) OpenText(s, context string) (string, error) {
	rest, ok := strings.CutPrefix(s, sealedMark)
	if !ok {
		return s, nil
	}
	sealed, err := textCoding.DecodeString(rest)
	if err != nil {
		return s, nil //nolint:nilerr // typed by somebody before texts were sealed
	}
	if _, ok := KeyID(sealed); !ok {
		return s, nil
	}
	plain, err := c.Open(sealed, context)
	return string(plain), err
}

func (c *Commune) sealText(s, context string) (string, error) {
	sealed, err := c.Seal([]byte(s), context)
	if err != nil {
		return "", err
	}
	return sealedMark + textCoding.EncodeToString(sealed), nil
}

// OpenJSON undoes SealJSON. Errors: ErrOpen, ErrDestroyed.
func (c *Commune) OpenJSON(document []byte, context string) ([]byte, error) {
	return c.walk(document, []byte(sealedMark), func(s string) (string, error) { return c.OpenText(s, context) })
}

// resealJSON brings a document under the newest key: plain says how many texts
// were not sealed, old how many were under another key.
func (c *Commune) resealJSON(document []byte, context string) (out []byte, plain, old int, err error) {
	primary, err := c.Primary()
	if err != nil {
		return nil, 0, 0, err
	}
	out, err = c.walk(document, []byte("756"), func(s string) (string, error) {
		again, was, err := c.resealText(s, context, primary)
		switch was {
		case wasPlain:
			plain++
		case wasOld:
			old++
		}
		return again, err
	}, []byte(sealedMark))
	return out, plain, old, err
}

// What a text was before a pass.
type textState uint8

const (
	nothingToSeal textState = iota
	wasNew
	wasOld
	wasPlain
)

// resealText brings one text under the newest key.
func (c *Commune) resealText(s, context string, primary uint32) (again string, was textState, err error) {
	rest, marked := strings.CutPrefix(s, sealedMark)
	sealed, err := textCoding.DecodeString(rest)
	id, ok := KeyID(sealed)
	switch {
	case marked && err == nil && ok && id == primary:
		return s, wasNew, nil
	case marked && err == nil && ok:
		text, err := c.Open(sealed, context)
		if err != nil {
			return "", wasOld, err
		}
		again, err = c.sealText(string(text), context)
		return again, wasOld, err
	case avsNumber.MatchString(s):
		again, err = c.sealText(s, context)
		return again, wasPlain, err
	}
	return s, nothingToSeal, nil
}

// walk applies f to every text of a document that holds one of the words; a
// document without them is not read at all.
func (c *Commune) walk(document, word []byte, f func(string) (string, error), more ...[]byte) ([]byte, error) {
	found := bytes.Contains(document, word)
	for _, w := range more {
		found = found || bytes.Contains(document, w)
	}
	if !found {
		return document, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	value, err := walkValue(value, f)
	if err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

func walkValue(value any, f func(string) (string, error)) (_ any, err error) {
	switch v := value.(type) {
	case string:
		return f(v)
	case []any:
		for i := range v {
			if v[i], err = walkValue(v[i], f); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = walkValue(v[k], f); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}
