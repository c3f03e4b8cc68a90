package rdf_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/piprate/json-gold/ld"

	"github.com/sportello-ticino/sportello/pkg/rdf"
)

func sample() *rdf.Graph {
	g := rdf.New(map[string]string{"ex": "http://example.org/", "xsd": "http://www.w3.org/2001/XMLSchema#"})
	one := rdf.IRI("http://example.org/one")
	g.Add(one, "http://example.org/says", rdf.Literal{Text: "«È» \"qui\"\\\n\tfine", Lang: "it"})
	g.Add(one, rdf.Type, rdf.IRI("http://example.org/Thing"))
	g.Add(one, "http://example.org/says", rdf.Literal{Text: "plain"})
	g.Add(one, "http://example.org/costs", rdf.Literal{Text: "12.50", Type: "http://www.w3.org/2001/XMLSchema#double"})
	g.Add(one, "http://example.org/knows", rdf.IRI("https://other.example/x?a=b&c=d#e"))
	g.Add(one, "http://example.org/knows", rdf.IRI("https://other.example/x?a=b&c=d#e"))
	return g
}

func TestTurtle(t *testing.T) {
	var out strings.Builder
	if err := sample().Turtle(&out); err != nil {
		t.Fatal(err)
	}
	want := `@prefix ex: <http://example.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

ex:one a ex:Thing ;
  ex:costs "12.50"^^xsd:double ;
  ex:knows <https://other.example/x?a=b&c=d#e> ;
  ex:says "«È» \"qui\"\\\n\tfine"@it, "plain" .
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// A processor of somebody else reads from the JSON-LD what the graph says.
func TestJSONLDSaysTheSame(t *testing.T) {
	g := sample()
	var text, lines bytes.Buffer
	if err := g.JSONLD(&text); err != nil {
		t.Fatal(err)
	}
	if err := g.NTriples(&lines); err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	options := ld.NewJsonLdOptions("")
	options.Format = "application/n-quads"
	read, err := ld.NewJsonLdProcessor().ToRDF(doc, options)
	if err != nil {
		t.Fatal(err)
	}
	sorted := func(s string) []string {
		// N-Quads may write a tab as it is or escaped.
		list := strings.Split(strings.TrimSpace(strings.ReplaceAll(s, "\t", `\t`)), "\n")
		slices.Sort(list)
		return list
	}
	got, want := sorted(read.(string)), sorted(lines.String())
	if !slices.Equal(got, want) || len(want) != g.Len() || g.Len() != 5 {
		t.Errorf("read\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatIsNoIRIIsRefused(t *testing.T) {
	for _, bad := range []rdf.IRI{"", "no-scheme", "http://x/<script>", "http://x/a b", "http://x/\n", `http://x/"`} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", bad)
				}
			}()
			rdf.New(nil).Add("http://example.org/one", "http://example.org/p", bad)
		}()
	}
}
