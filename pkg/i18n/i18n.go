package i18n

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

type contextKey struct{}

// voice is what a context carries: the language and the words of it.
type voice struct {
	lang   string
	bundle *Bundle
	texts  map[string]string
}

// WithLang returns a context whose texts come from b in lang. A language that
// b does not know becomes Italian.
func WithLang(ctx context.Context, b *Bundle, lang string) context.Context {
	return context.WithValue(ctx, contextKey{}, b.voice(lang))
}

// Lang returns the language of ctx, "it" when none was set.
func Lang(ctx context.Context) string {
	if v, ok := ctx.Value(contextKey{}).(*voice); ok {
		return v.lang
	}
	return Reference
}

// T returns the text of key in the language of ctx, else in Italian, else the
// key itself. kv are pairs of placeholder name and value: T(ctx, "mail.hello",
// "name", "Anna") fills "{name}". Times become dates in Swiss form. A
// placeholder without a value stays as written, so that it is noticed.
func T(ctx context.Context, key string, kv ...any) string {
	text, ok := lookup(ctx, key)
	if !ok {
		return key
	}
	return fill(text, kv)
}

// N is T for counted things: it chooses key.one or key.other by the plural
// rule of the language (French says «0 document») and fills "{n}" with n,
// grouped by apostrophes.
func N(ctx context.Context, key string, n int, kv ...any) string {
	form := ".other"
	if n == 1 || (n == 0 && Lang(ctx) == "fr") {
		form = ".one"
	}
	text, ok := lookup(ctx, key+form)
	if !ok {
		return key + form
	}
	return fill(text, append([]any{"n", Number(n)}, kv...))
}

// Has reports whether key has a text in the language of ctx or in Italian.
func Has(ctx context.Context, key string) bool {
	_, ok := lookup(ctx, key)
	return ok
}

// Translated reports whether the language of ctx has its own text for key. A
// page says «solo in italiano» where it has not.
func Translated(ctx context.Context, key string) bool {
	v, ok := ctx.Value(contextKey{}).(*voice)
	if !ok {
		return false
	}
	_, ok = v.bundle.own[v.lang][key]
	return ok
}

func lookup(ctx context.Context, key string) (string, bool) {
	v, ok := ctx.Value(contextKey{}).(*voice)
	if !ok {
		return "", false
	}
	text, ok := v.texts[key]
	return text, ok
}

// fill replaces {name} by its value in one pass; a value is never read again
// for placeholders.
func fill(text string, kv []any) string {
	if len(kv) < 2 || strings.IndexByte(text, '{') < 0 {
		return text
	}
	var out strings.Builder
	out.Grow(len(text) + 32)
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		length := strings.IndexByte(text[open:], '}')
		if length < 0 {
			break
		}
		value, ok := argument(text[open+1:open+length], kv)
		if !ok {
			value = text[open : open+length+1]
		}
		out.WriteString(text[:open])
		out.WriteString(value)
		text = text[open+length+1:]
	}
	out.WriteString(text)
	return out.String()
}

func argument(name string, kv []any) (string, bool) {
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i] == name {
			return plain(kv[i+1]), true
		}
	}
	return "", false
}

func plain(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return Date(v)
	case fmt.Stringer:
		return v.String()
	case error:
		return v.Error()
	default:
		return fmt.Sprint(v)
	}
}
