package seal

import (
	"bytes"
	"fmt"
	"strconv"
)

// Bounds for hostile files: a document of ours has a few dozen objects and two
// revisions at most.
const (
	maxObjects   = 100_000
	maxRevisions = 8
)

// file is a PDF read through its cross-reference tables.
type file struct {
	data    []byte
	offsets map[int]int // object number → position, the newest revision's
	trailer dict
	start   int // position of the newest cross-reference table
}

func open(data []byte) (*file, error) {
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		return nil, ErrNotPDF
	}
	at := bytes.LastIndex(data, []byte("startxref"))
	if at < 0 {
		return nil, fmt.Errorf("%w: no startxref", ErrNotPDF)
	}
	l := lexer{data: data, pos: at + len("startxref")}
	start, ok := l.integer()
	if !ok {
		return nil, fmt.Errorf("%w: no startxref", ErrNotPDF)
	}
	f := &file{data: data, offsets: map[int]int{}, start: start}
	free := map[int]bool{}
	for revision, next := 0, start; next >= 0; revision++ {
		if revision == maxRevisions {
			return nil, fmt.Errorf("%w: too many revisions", ErrUnsupported)
		}
		trailer, err := f.table(next, free)
		if err != nil {
			return nil, err
		}
		if revision == 0 {
			f.trailer = trailer
		}
		next = -1
		if prev, ok := number(trailer.get("Prev")); ok {
			next = prev
		}
	}
	if f.trailer.get("Encrypt") != nil {
		return nil, fmt.Errorf("%w: encrypted", ErrUnsupported)
	}
	return f, nil
}

// table reads one cross-reference table and its trailer; entries of newer
// revisions, read before, win.
func (f *file) table(at int, free map[int]bool) (dict, error) {
	if at < 0 || at >= len(f.data) {
		return dict{}, fmt.Errorf("%w: startxref outside of the file", ErrNotPDF)
	}
	l := lexer{data: f.data, pos: at}
	if !l.word("xref") {
		return dict{}, fmt.Errorf("%w: no classic cross-reference table", ErrUnsupported)
	}
	for !l.word("trailer") {
		first, ok1 := l.integer()
		count, ok2 := l.integer()
		if !ok1 || !ok2 || first > maxObjects || count > maxObjects {
			return dict{}, fmt.Errorf("%w: cross-reference table", errSyntax)
		}
		for num := first; num < first+count; num++ {
			offset, ok := l.integer()
			if _, gen := l.integer(); !ok || !gen {
				return dict{}, fmt.Errorf("%w: cross-reference entry", errSyntax)
			}
			_, known := f.offsets[num]
			switch {
			case l.word("n"):
				if !known && !free[num] {
					f.offsets[num] = offset
				}
			case l.word("f"):
				free[num] = free[num] || !known
			default:
				return dict{}, fmt.Errorf("%w: cross-reference entry", errSyntax)
			}
		}
	}
	o, err := l.object(0)
	if err != nil {
		return dict{}, err
	}
	trailer, ok := o.(dict)
	if !ok {
		return dict{}, fmt.Errorf("%w: trailer", errSyntax)
	}
	return trailer, nil
}

// span is where an indirect object's value stands in the file.
type span struct{ from, to int }

// at reads the object a reference points to, and where it stands.
func (f *file) at(r ref) (object, span, error) {
	offset, ok := f.offsets[r.num]
	if !ok || offset >= len(f.data) {
		return nil, span{}, fmt.Errorf("%w: object %d is missing", errSyntax, r.num)
	}
	l := lexer{data: f.data, pos: offset}
	num, ok1 := l.integer()
	gen, ok2 := l.integer()
	if !ok1 || !ok2 || num != r.num || gen != r.gen || !l.word("obj") {
		return nil, span{}, fmt.Errorf("%w: object %d is not where the table says", errSyntax, r.num)
	}
	from := l.pos
	o, err := l.object(0)
	return o, span{from, l.pos}, err
}

// resolve follows a reference, if it is one.
func (f *file) resolve(o object) (object, error) {
	r, ok := o.(ref)
	if !ok {
		return o, nil
	}
	v, _, err := f.at(r)
	if _, again := v.(ref); again {
		return nil, fmt.Errorf("%w: reference to a reference", errSyntax)
	}
	return v, err
}

func (f *file) dict(o object) (dict, error) {
	v, err := f.resolve(o)
	if err != nil {
		return dict{}, err
	}
	d, ok := v.(dict)
	if !ok {
		return dict{}, fmt.Errorf("%w: dictionary expected", errSyntax)
	}
	return d, nil
}

func (f *file) array(o object) (array, error) {
	v, err := f.resolve(o)
	if err != nil || v == nil {
		return nil, err
	}
	a, ok := v.(array)
	if !ok {
		return nil, fmt.Errorf("%w: array expected", errSyntax)
	}
	return a, nil
}

// firstPage walks the page tree to its first leaf.
func (f *file) firstPage(catalog dict) (ref, dict, error) {
	node := catalog.get("Pages")
	for range maxDepth {
		r, ok := node.(ref)
		if !ok {
			break
		}
		d, err := f.dict(r)
		if err != nil {
			return ref{}, dict{}, err
		}
		if d.get("Type") == name("Page") {
			return r, d, nil
		}
		kids, err := f.array(d.get("Kids"))
		if err != nil || len(kids) == 0 {
			break
		}
		node = kids[0]
	}
	return ref{}, dict{}, fmt.Errorf("%w: no page", errSyntax)
}

func number(o object) (int, bool) {
	r, ok := o.(raw)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(r))
	return n, err == nil && n >= 0
}
