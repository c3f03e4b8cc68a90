package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf16"
)

var (
	// ErrNotPDF means that the bytes are not a PDF that can be read.
	ErrNotPDF = errors.New("seal: not a PDF file")
	// ErrUnsupported means a PDF with features that sealed documents do not
	// have: cross-reference streams, encryption, many revisions.
	ErrUnsupported = errors.New("seal: PDF of a kind that is not sealed here")
	// ErrSealed means that the file already carries a signature.
	ErrSealed = errors.New("seal: already signed")
)

// Options stand in the signature dictionary, where PDF readers show them.
type Options struct {
	Name     string // who seals: "Comune di …"
	Reason   string
	Location string
	Time     time.Time // moment of sealing, entry M; required
}

// rangeWidth keeps room for numbers in the byte range: ten digits, 9 GB.
const rangeWidth = 10

// Seal adds a PAdES B-B signature as an incremental update: the bytes of pdf
// stay as they are, the signature follows. The field is invisible; what a
// reader sees of the seal is part of the document. The result was verified
// before it is answered, so a signer that errs is noticed here.
func Seal(ctx context.Context, pdf []byte, signer Signer, o Options) ([]byte, error) {
	if o.Time.IsZero() {
		return nil, errors.New("seal: the moment of sealing is missing")
	}
	f, err := open(pdf)
	if err != nil {
		return nil, err
	}
	u, err := prepare(f, signer.MaxSize(), o)
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	digest.Write(u.out[:u.gap.from])
	digest.Write(u.out[u.gap.to:])
	der, err := signer.SignDigest(ctx, digest.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("seal: signer: %w", err)
	}
	if len(der) > signer.MaxSize() {
		return nil, fmt.Errorf("seal: signer answered %d bytes, at most %d were announced", len(der), signer.MaxSize())
	}
	hex.Encode(u.out[u.gap.from+1:], der) // after "<"; the rest stays zeros
	report, err := Verify(u.out)
	if err != nil {
		return nil, fmt.Errorf("seal: check own work: %w", err)
	}
	if !report.Genuine() {
		return nil, fmt.Errorf("seal: check own work: %s", report.Problem)
	}
	return u.out, nil
}

// update is a file with its incremental update, the signature still zeros.
type update struct {
	out []byte
	gap span // from "<" to after ">" of the signature
}

func prepare(f *file, reserve int, o Options) (*update, error) {
	root, ok := f.trailer.get("Root").(ref)
	if !ok {
		return nil, fmt.Errorf("%w: no catalog", errSyntax)
	}
	catalog, err := f.dict(root)
	if err != nil {
		return nil, err
	}
	if catalog.get("AcroForm") != nil || catalog.get("Perms") != nil {
		return nil, ErrSealed
	}
	pageRef, page, err := f.firstPage(catalog)
	if err != nil {
		return nil, err
	}
	size, ok := number(f.trailer.get("Size"))
	if !ok || size > maxObjects {
		return nil, fmt.Errorf("%w: trailer without size", errSyntax)
	}
	signature, field := ref{size, 0}, ref{size + 1, 0}

	annotations, err := f.array(page.get("Annots"))
	if err != nil {
		return nil, err
	}
	page = page.clone()
	page.set("Annots", append(append(array{}, annotations...), field))
	catalog = catalog.clone()
	catalog.set("AcroForm", dictOf("Fields", array{field}, "SigFlags", raw("3"))) // signatures exist, append only
	catalog.set("Perms", dictOf("DocMDP", signature))                             // certified: no change allowed

	b := bytes.NewBuffer(make([]byte, 0, len(f.data)+2*reserve+8192))
	b.Write(f.data)
	if !bytes.HasSuffix(f.data, []byte("\n")) {
		b.WriteByte('\n')
	}
	offsets := map[int]int{}
	begin := func(r ref) {
		offsets[r.num] = b.Len()
		fmt.Fprintf(b, "%d %d obj\n", r.num, r.gen)
	}
	begin(signature)
	ranges, gap := writeSignature(b, reserve, o)
	b.WriteString("\nendobj\n")
	begin(field)
	write(b, dictOf(
		"Type", name("Annot"), "Subtype", name("Widget"), "FT", name("Sig"), "T", text("Sigillo"), "V", signature,
		"F", raw("132"), // printed and locked
		"Rect", array{raw("0"), raw("0"), raw("0"), raw("0")}, "P", pageRef))
	b.WriteString("\nendobj\n")
	for _, changed := range []struct {
		at ref
		to dict
	}{{root, catalog}, {pageRef, page}} {
		begin(changed.at)
		write(b, changed.to)
		b.WriteString("\nendobj\n")
	}
	writeTable(b, f, offsets, size+2, root)
	out := b.Bytes()
	copy(out[ranges:], fmt.Sprintf("0 %*d %*d %*d", rangeWidth, gap.from, rangeWidth, gap.to, rangeWidth, len(out)-gap.to))
	return &update{out: out, gap: gap}, nil
}

// writeSignature writes the signature dictionary with room for the byte range
// and the signature, and tells where these are.
func writeSignature(b *bytes.Buffer, reserve int, o Options) (ranges int, gap span) {
	b.WriteString("<</Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n/ByteRange [")
	ranges = b.Len()
	b.WriteString(strings.Repeat(" ", 1+3*(rangeWidth+1)))
	b.WriteString("]\n/Contents ")
	gap.from = b.Len()
	b.WriteString("<" + strings.Repeat("0", 2*reserve) + ">")
	gap.to = b.Len()
	b.WriteByte('\n')
	for _, entry := range []struct{ key, value string }{{"Name", o.Name}, {"Reason", o.Reason}, {"Location", o.Location}} {
		if entry.value != "" {
			b.WriteString("/" + entry.key + " " + string(text(entry.value)) + "\n")
		}
	}
	b.WriteString("/M (" + pdfTime(o.Time) + ")\n")
	b.WriteString("/Reference [<</Type /SigRef /TransformMethod /DocMDP /TransformParams <</Type /TransformParams /P 1 /V /1.2>>>>]>>")
	return ranges, gap
}

func writeTable(b *bytes.Buffer, f *file, offsets map[int]int, size int, root ref) {
	start := b.Len()
	b.WriteString("xref\n")
	numbers := make([]int, 0, len(offsets))
	for n := range offsets {
		numbers = append(numbers, n)
	}
	sort.Ints(numbers)
	for i := 0; i < len(numbers); {
		j := i + 1
		for j < len(numbers) && numbers[j] == numbers[j-1]+1 {
			j++
		}
		fmt.Fprintf(b, "%d %d\n", numbers[i], j-i)
		for _, n := range numbers[i:j] {
			fmt.Fprintf(b, "%010d 00000 n \n", offsets[n])
		}
		i = j
	}
	trailer := dictOf("Size", raw(fmt.Sprint(size)), "Root", root, "Prev", raw(fmt.Sprint(f.start)))
	for _, key := range []name{"Info", "ID"} {
		if v := f.trailer.get(key); v != nil {
			trailer.set(key, v)
		}
	}
	b.WriteString("trailer\n")
	write(b, trailer)
	fmt.Fprintf(b, "\nstartxref\n%d\n%%%%EOF\n", start)
}

func dictOf(pairs ...any) dict {
	var d dict
	for i := 0; i < len(pairs); i += 2 {
		d.set(name(pairs[i].(string)), pairs[i+1])
	}
	return d
}

// text writes a PDF text string: UTF-16 in hexadecimal, which needs no escapes.
func text(s string) raw {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteByte('>')
	return raw(b.String())
}

// pdfTime writes "D:20260314153000+01'00'" (ISO 32000-1, 7.9.4).
func pdfTime(t time.Time) string {
	s := t.Format("D:20060102150405-0700")
	return s[:len(s)-2] + "'" + s[len(s)-2:] + "'"
}
