package source

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// File is a YAML file that was parsed and found Harmless: it says where a part of
// it stands.
type File struct {
	Name string
	root ast.Node // nil where the file is empty
}

// Parse reads a file into its tree. Too long, nested too deep, an anchor, an
// alias, a tag or a second document: refused.
func Parse(name string, data []byte) (File, error) {
	if err := Harmless(data); err != nil {
		return File{}, &Mistake{File: name, What: err.Error(), Do: "a service is a short file: see ops/docs/guides/service.md"}
	}
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return File{}, Syntax(name, err)
	}
	f := File{Name: name}
	for _, doc := range parsed.Docs {
		if doc.Body == nil {
			continue
		}
		if f.root != nil {
			return File{}, f.at(doc.Body, nil, "a second document", "one file is one document")
		}
		if m := f.plain(doc.Body); m != nil {
			return File{}, m
		}
		f.root = doc.Body
	}
	return f, nil
}

// Empty reports whether nothing stands in the file.
func (f File) Empty() bool { return f.root == nil }

// Keys are those at the top of the file.
func (f File) Keys() []string {
	all, _ := entries(f.root)
	keys := make([]string, len(all))
	for i, entry := range all {
		keys[i] = keyOf(entry)
	}
	return keys
}

// Check finds what is not as the shape says, at most fifty mistakes.
func (f File) Check(s *Shape) Mistakes {
	c := checker{File: f}
	c.walk(f.root, s, nil)
	return c.mistakes
}

// Read reads a file of a shape. Every unknown key, wrong type, alias or second
// value under one key is refused with its line and column: see MistakesOf.
func Read(name string, data []byte, s *Shape) (overlay.Tree, error) {
	f, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	if err := f.Check(s).OrNil(); err != nil {
		return nil, err
	}
	var raw map[string]any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, Syntax(name, err)
	}
	return overlay.Of(raw)
}

// Place is where the part at a path is written and how many steps of the path were
// found: a part that is missing stands where its nearest holder stands. "**"
// stands for any depth.
func (f File) Place(path []string) (line, column, steps int) {
	node, steps := f.find(path)
	if p := position(node); p != nil {
		line, column = p.Line, p.Column
	}
	return line, column, steps
}

// Syntax is a mistake of the YAML itself.
func Syntax(file string, err error) *Mistake {
	m := &Mistake{File: file, What: err.Error(), Do: "check indentation, quotes and brackets on this line"}
	var told yaml.Error
	if errors.As(err, &told) {
		m.What = told.GetMessage()
		if t := told.GetToken(); t != nil && t.Position != nil {
			m.Line, m.Column = t.Position.Line, t.Position.Column
		}
	}
	return m
}

func (f File) at(node ast.Node, path []string, what, do string) *Mistake {
	m := &Mistake{Path: slices.Clone(path), What: what, Do: do, File: f.Name}
	if p := position(node); p != nil {
		m.Line, m.Column = p.Line, p.Column
	}
	return m
}

func position(node ast.Node) *token.Position {
	if node == nil {
		return nil
	}
	if mapping, ok := node.(*ast.MappingNode); ok && len(mapping.Values) > 0 && !mapping.IsFlowStyle {
		node = mapping.Values[0].Key
	}
	if t := node.GetToken(); t != nil {
		return t.Position
	}
	return nil
}

// plain finds what a definition has no use for and a reader would pay for.
func (f File) plain(node ast.Node) *Mistake {
	for _, forbidden := range []struct {
		typ  ast.NodeType
		what string
	}{
		{ast.AliasType, "aliases are not allowed"}, {ast.AnchorType, "anchors are not allowed"},
		{ast.MergeKeyType, "merge keys are not allowed"}, {ast.TagType, "tags are not allowed"},
	} {
		if found := ast.Filter(forbidden.typ, node); len(found) > 0 {
			return f.at(found[0], nil, forbidden.what, "write the value itself")
		}
	}
	return nil
}

// entries are the keys and values of a mapping.
func entries(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func keyOf(entry *ast.MappingValueNode) string {
	if text, ok := entry.Key.(*ast.StringNode); ok {
		return text.Value
	}
	return entry.Key.String()
}

// checker walks a file against a shape and collects every mistake.
type checker struct {
	File
	mistakes Mistakes
}

const mostMistakes = 50

func (c *checker) wrong(node ast.Node, path []string, what, do string) {
	if len(c.mistakes) < mostMistakes {
		c.mistakes = append(c.mistakes, c.at(node, path, what, do))
	}
}

func (c *checker) walk(node ast.Node, s *Shape, path []string) {
	if _, null := node.(*ast.NullNode); null || node == nil {
		return // what is missing is asked for where it must be there
	}
	switch s.Form {
	case Object, Table:
		c.mapping(node, s, path)
	case List:
		sequence, ok := node.(*ast.SequenceNode)
		if !ok {
			c.wrong(node, path, "a list was expected", "write [a, b], or one line with «- » for each")
			return
		}
		for i, item := range sequence.Values {
			c.walk(item, s.Item, append(path, itemName(item, i)))
		}
	case Words:
		c.text(node, path)
	case Free:
	default:
		c.scalar(node, s, path)
	}
}

func (c *checker) mapping(node ast.Node, s *Shape, path []string) {
	all, ok := entries(node)
	if !ok {
		c.wrong(node, path, "keys were expected", "write «key: value» lines below it"+keysHere(s))
		return
	}
	seen := map[string]bool{}
	for _, entry := range all {
		key := keyOf(entry)
		if seen[key] {
			c.wrong(entry.Key, append(path, key), fmt.Sprintf("%q stands there twice", key), "keep one of them")
		}
		seen[key] = true
		inner := s.Item
		if s.Form == Object {
			inner = s.Key(key)
		}
		if inner == nil {
			c.wrong(entry.Key, append(path, key), fmt.Sprintf("unknown key %q", key), unknownAdvice(key, s))
			continue
		}
		c.walk(entry.Value, inner, append(path, key))
	}
}

func keysHere(s *Shape) string {
	if s.Form != Object {
		return ""
	}
	return "; known keys: " + strings.Join(s.Names(), ", ")
}

func unknownAdvice(key string, s *Shape) string {
	if near := Nearest(key, s.Names()); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "take it out" + keysHere(s)
}

func (c *checker) text(node ast.Node, path []string) {
	all, ok := entries(node)
	if !ok {
		if _, isList := node.(*ast.SequenceNode); isList {
			c.wrong(node, path, "a text was expected", "write a string (Italian), or {it: …, de: …, fr: …, en: …}")
		}
		return
	}
	for _, entry := range all {
		if lang := keyOf(entry); !slices.Contains(i18n.Languages, lang) {
			c.wrong(entry.Key, append(path, lang), fmt.Sprintf("a text knows no language %q", lang), "the languages are "+strings.Join(i18n.Languages, ", "))
		} else if !isScalar(entry.Value) {
			c.wrong(entry.Value, append(path, lang), "words were expected", "write a string")
		}
	}
}

func isScalar(node ast.Node) bool {
	_, ok := node.(ast.ScalarNode)
	if _, literal := node.(*ast.LiteralNode); literal {
		return true
	}
	return ok
}

func (c *checker) scalar(node ast.Node, s *Shape, path []string) {
	value := valueOf(node)
	good := true
	do := ""
	switch s.Form {
	case String:
		good, do = isScalar(node), "write a string"
	case Whole:
		_, good = node.(*ast.IntegerNode)
		do = "write a whole number"
	case Number:
		_, isFloat := node.(*ast.FloatNode)
		_, isInt := node.(*ast.IntegerNode)
		good, do = isFloat || isInt, "write a number"
	case YesNo:
		_, good = node.(*ast.BoolNode)
		do = "write true or false"
	case Price:
		amount, err := money.Parse(value)
		good, do = isScalar(node) && err == nil && amount >= 0, "write an amount in francs like 12.50"
	}
	if !good {
		c.wrong(node, path, fmt.Sprintf("%s is not what belongs here", overlay.Brief(value)), do)
	}
}

// valueOf is a scalar as it is written.
func valueOf(node ast.Node) string {
	if t := node.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

func itemName(node ast.Node, i int) string {
	all, ok := entries(node)
	if ok {
		for _, key := range overlay.ItemKeys {
			for _, entry := range all {
				if keyOf(entry) == key && isScalar(entry.Value) {
					return valueOf(entry.Value)
				}
			}
		}
	}
	return strconv.Itoa(i)
}

// find is the node at a path, and how many steps of it were found: a part that
// is missing stands where its nearest holder stands.
func (f File) find(path []string) (ast.Node, int) {
	node, at := f.root, 0
	where := node
	for at < len(path) {
		if path[at] == "**" && at+1 < len(path) {
			deep := below(node, path[at+1])
			if deep == nil {
				return where, at
			}
			node, where, at = deep, deep, at+2
			continue
		}
		next, shown := child(node, path[at])
		if next == nil && shown == nil {
			return where, at
		}
		node, where, at = next, shown, at+1
	}
	return where, at
}

// child is the value under a key or of a named item, and the node to point at.
func child(node ast.Node, name string) (value, shown ast.Node) {
	if all, ok := entries(node); ok {
		for _, entry := range all {
			if keyOf(entry) == name {
				return entry.Value, entry.Key
			}
		}
		return nil, nil
	}
	if sequence, ok := node.(*ast.SequenceNode); ok {
		for i, item := range sequence.Values {
			if itemName(item, i) == name {
				return item, item
			}
		}
	}
	return nil, nil
}

// below finds the item called name inside the items of a list: a step may be
// called as a field in it.
func below(node ast.Node, name string) ast.Node {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		return nil
	}
	for _, item := range sequence.Values {
		all, _ := entries(item)
		for _, entry := range all {
			if found := search(entry.Value, name); found != nil {
				return found
			}
		}
	}
	return nil
}

// search finds the item called name at any depth.
func search(node ast.Node, name string) ast.Node {
	if all, ok := entries(node); ok {
		for _, entry := range all {
			if keyOf(entry) == "id" && isScalar(entry.Value) && valueOf(entry.Value) == name {
				return node
			}
		}
		for _, entry := range all {
			if found := search(entry.Value, name); found != nil {
				return found
			}
		}
	}
	if sequence, ok := node.(*ast.SequenceNode); ok {
		for _, item := range sequence.Values {
			if found := search(item, name); found != nil {
				return found
			}
		}
	}
	return nil
}
