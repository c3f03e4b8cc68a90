// Package rdf holds a small graph of statements and writes it as Turtle, JSON-LD
// and N-Triples. It reads nothing, and it knows no vocabulary: terms and prefixes
// are the caller's. Blank nodes are left out on purpose: what has a name can be
// asked for again.
package rdf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Type is rdf:type.
const Type = IRI("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")

// IRI names a thing. It is written as it is: only what may stand in an IRI may
// stand in it (Add refuses the rest).
type IRI string

// Literal is a value: text of a language, or of a datatype; with neither it is a
// plain string.
type Literal struct {
	Text string
	Lang string
	Type IRI
}

// Term is an IRI or a Literal.
type Term interface{ term() }

func (IRI) term()     {}
func (Literal) term() {}

type statement struct {
	subject, predicate IRI
	object             Term
}

// Graph is a set of statements in the order in which they were made.
type Graph struct {
	prefixes map[string]string
	list     []statement
	known    map[statement]bool
}

// New makes an empty graph whose names are shortened by prefixes (prefix → IRI).
func New(prefixes map[string]string) *Graph {
	return &Graph{prefixes: prefixes, known: map[statement]bool{}}
}

var badIRI = regexp.MustCompile(`[\x00-\x20<>"{}|^` + "`" + `\\]|^[^:]*$`)

// Add makes a statement; made twice it stands once. It panics on an IRI that
// could not be written: names are made by code, not by people.
func (g *Graph) Add(subject, predicate IRI, object Term) {
	for _, t := range []Term{subject, predicate, object} {
		if iri, ok := t.(IRI); ok && badIRI.MatchString(string(iri)) {
			panic(fmt.Sprintf("rdf: %q is no IRI", iri))
		}
	}
	s := statement{subject, predicate, object}
	if !g.known[s] {
		g.known[s] = true
		g.list = append(g.list, s)
	}
}

// Len is how many statements there are.
func (g *Graph) Len() int { return len(g.list) }

// subjects are the things statements are about, in the order of their first one,
// each with its statements by predicate, the type first.
func (g *Graph) subjects() (order []IRI, of map[IRI][]statement) {
	of = map[IRI][]statement{}
	for _, s := range g.list {
		if of[s.subject] == nil {
			order = append(order, s.subject)
		}
		of[s.subject] = append(of[s.subject], s)
	}
	for _, list := range of {
		slices.SortStableFunc(list, func(a, b statement) int {
			if a.predicate == b.predicate {
				return 0
			}
			return cmp.Or(boolean(b.predicate == Type)-boolean(a.predicate == Type), cmp.Compare(a.predicate, b.predicate))
		})
	}
	return order, of
}

func boolean(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

var localName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// short is a name with its prefix; ok is false where none fits.
func (g *Graph) short(iri IRI) (string, bool) {
	for prefix, start := range g.prefixes {
		if rest, fits := strings.CutPrefix(string(iri), start); fits && localName.MatchString(rest) {
			return prefix + ":" + rest, true
		}
	}
	return "", false
}

// Turtle writes the graph as RDF 1.1 Turtle.
func (g *Graph) Turtle(w io.Writer) error {
	var b strings.Builder
	names := make([]string, 0, len(g.prefixes))
	for prefix := range g.prefixes {
		names = append(names, prefix)
	}
	slices.Sort(names)
	for _, prefix := range names {
		fmt.Fprintf(&b, "@prefix %s: <%s> .\n", prefix, g.prefixes[prefix])
	}
	order, of := g.subjects()
	for _, subject := range order {
		fmt.Fprintf(&b, "\n%s", g.turtle(subject))
		for i, s := range of[subject] {
			switch {
			case i > 0 && of[subject][i-1].predicate == s.predicate:
				b.WriteString(", ")
			case i > 0:
				b.WriteString(" ;\n  ")
			default:
				b.WriteByte(' ')
			}
			if i == 0 || of[subject][i-1].predicate != s.predicate {
				if s.predicate == Type {
					b.WriteString("a ")
				} else {
					b.WriteString(g.turtle(s.predicate) + " ")
				}
			}
			b.WriteString(g.turtle(s.object))
		}
		b.WriteString(" .\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (g *Graph) turtle(t Term) string {
	switch t := t.(type) {
	case IRI:
		if name, ok := g.short(t); ok {
			return name
		}
		return "<" + string(t) + ">"
	case Literal:
		out := quote(t.Text)
		switch {
		case t.Lang != "":
			out += "@" + t.Lang
		case t.Type != "":
			out += "^^" + g.turtle(t.Type)
		}
		return out
	}
	return ""
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

func quote(text string) string {
	return `"` + escapes.Replace(strings.ToValidUTF8(text, "\uFFFD")) + `"`
}

// NTriples writes one statement a line, sorted: two graphs that say the same are
// written the same.
func (g *Graph) NTriples(w io.Writer) error {
	bare := New(nil)
	lines := make([]string, len(g.list))
	for i, s := range g.list {
		lines[i] = bare.turtle(s.subject) + " " + bare.turtle(s.predicate) + " " + bare.turtle(s.object) + " .\n"
	}
	slices.Sort(lines)
	_, err := io.WriteString(w, strings.Join(lines, ""))
	return err
}

// JSONLD writes the graph as JSON-LD 1.1 with its prefixes as the context.
func (g *Graph) JSONLD(w io.Writer) error {
	order, of := g.subjects()
	nodes := make([]map[string]any, 0, len(order))
	for _, subject := range order {
		node := map[string]any{"@id": string(subject)}
		for _, s := range of[subject] {
			key, value := g.compact(s.predicate), any(nil)
			switch o := s.object.(type) {
			case IRI:
				if s.predicate == Type {
					key, value = "@type", g.compact(o)
				} else {
					value = map[string]string{"@id": string(o)}
				}
			case Literal:
				v := map[string]string{"@value": strings.ToValidUTF8(o.Text, "\uFFFD")}
				if o.Lang != "" {
					v["@language"] = o.Lang
				} else if o.Type != "" {
					v["@type"] = g.compact(o.Type)
				}
				value = v
			}
			have, _ := node[key].([]any)
			node[key] = append(have, value)
		}
		nodes = append(nodes, node)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"@context": g.prefixes, "@graph": nodes})
}

func (g *Graph) compact(iri IRI) string {
	if name, ok := g.short(iri); ok {
		return name
	}
	return string(iri)
}
