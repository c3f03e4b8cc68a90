package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// The kinds of PDF objects (ISO 32000-1, 7.3) that sealing has to tell apart.
type (
	object any    // dict, array, ref, name or raw
	name   string // without the slash, escapes as written
	raw    string // number, string, boolean or null, as written
	array  []object
	ref    struct{ num, gen int }
	dict   struct {
		keys   []name
		values map[name]object
	}
)

var errSyntax = errors.New("seal: broken PDF object")

// maxDepth bounds nested arrays and dictionaries in a hostile file.
const maxDepth = 32

func (d dict) get(key name) object { return d.values[key] }

func (d *dict) set(key name, value object) {
	if d.values == nil {
		d.values = map[name]object{}
	}
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = value
}

// clone copies the first level, so that a changed object leaves its source alone.
func (d dict) clone() dict {
	var c dict
	for _, k := range d.keys {
		c.set(k, d.values[k])
	}
	return c
}

func write(b *bytes.Buffer, o object) {
	switch v := o.(type) {
	case dict:
		b.WriteString("<<")
		for _, k := range v.keys {
			b.WriteString("/" + string(k) + " ")
			write(b, v.values[k])
			b.WriteByte('\n')
		}
		b.WriteString(">>")
	case array:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(' ')
			}
			write(b, e)
		}
		b.WriteByte(']')
	case ref:
		fmt.Fprintf(b, "%d %d R", v.num, v.gen)
	case name:
		b.WriteString("/" + string(v))
	case raw:
		b.WriteString(string(v))
	}
}

// lexer reads objects from a position on.
type lexer struct {
	data []byte
	pos  int
}

func (l *lexer) space() {
	for l.pos < len(l.data) {
		switch c := l.data[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

func (l *lexer) has(s string) bool { return bytes.HasPrefix(l.data[l.pos:], []byte(s)) }

// word takes a keyword that must come next.
func (l *lexer) word(s string) bool {
	l.space()
	if !l.has(s) {
		return false
	}
	l.pos += len(s)
	return true
}

// integer takes a non-negative whole number of at most ten digits.
func (l *lexer) integer() (int, bool) {
	l.space()
	start := l.pos
	for l.pos < len(l.data) && l.data[l.pos] >= '0' && l.data[l.pos] <= '9' && l.pos-start < 10 {
		l.pos++
	}
	n, err := strconv.Atoi(string(l.data[start:l.pos]))
	return n, err == nil
}

func (l *lexer) object(depth int) (object, error) {
	l.space()
	if depth > maxDepth || l.pos >= len(l.data) {
		return nil, errSyntax
	}
	switch c := l.data[l.pos]; {
	case l.has("<<"):
		return l.dict(depth)
	case c == '[':
		return l.array(depth)
	case c == '/':
		return l.name(), nil
	case c == '(':
		return l.literal()
	case c == '<':
		end := bytes.IndexByte(l.data[l.pos:], '>')
		if end < 0 {
			return nil, errSyntax
		}
		s := raw(l.data[l.pos : l.pos+end+1])
		l.pos += end + 1
		return s, nil
	case c >= '0' && c <= '9':
		return l.numberOrRef()
	default:
		return l.token()
	}
}

func (l *lexer) dict(depth int) (object, error) {
	l.pos += 2
	var d dict
	for {
		l.space()
		if l.has(">>") {
			l.pos += 2
			return d, nil
		}
		if l.pos >= len(l.data) || l.data[l.pos] != '/' {
			return nil, errSyntax
		}
		key := l.name()
		if _, twice := d.values[key]; twice {
			return nil, fmt.Errorf("%w: key %s twice", errSyntax, key)
		}
		value, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		d.set(key, value)
	}
}

func (l *lexer) array(depth int) (object, error) {
	l.pos++
	a := array{}
	for {
		l.space()
		if l.has("]") {
			l.pos++
			return a, nil
		}
		value, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, value)
	}
}

func (l *lexer) name() name {
	l.pos++
	start := l.pos
	for l.pos < len(l.data) && !isSpace(l.data[l.pos]) && !isDelimiter(l.data[l.pos]) {
		l.pos++
	}
	return name(l.data[start:l.pos])
}

func (l *lexer) literal() (object, error) {
	start, open := l.pos, 0
	for ; l.pos < len(l.data); l.pos++ {
		switch l.data[l.pos] {
		case '\\':
			l.pos++
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				l.pos++
				return raw(l.data[start:l.pos]), nil
			}
		}
	}
	return nil, errSyntax
}

// numberOrRef tells "12" from "12 0 R".
func (l *lexer) numberOrRef() (object, error) {
	start := l.pos
	if num, ok := l.integer(); ok {
		if gen, ok := l.integer(); ok && l.word("R") && (l.pos >= len(l.data) || isSpace(l.data[l.pos]) || isDelimiter(l.data[l.pos])) {
			return ref{num, gen}, nil
		}
	}
	l.pos = start
	return l.token()
}

func (l *lexer) token() (object, error) {
	start := l.pos
	for l.pos < len(l.data) && !isSpace(l.data[l.pos]) && !isDelimiter(l.data[l.pos]) {
		l.pos++
	}
	if l.pos == start {
		return nil, errSyntax
	}
	return raw(l.data[start:l.pos]), nil
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }
