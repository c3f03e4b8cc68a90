package definition

import (
	"strings"
	"testing"
)

const convertible = `
- id: petizione
  category: diritti
  title_it: Petizione
  title_de: Petition
  purpose_it: Tutti possono scrivere alle autorità.
  audience: [citizen]
  office_key: cancelleria
  identity_level: self-declared
  fields:
    - {name: destinatario, type: select, required: true, label_it: Destinatario, options: [Municipio, "Municipio!", Consiglio comunale]}
    - {name: primo, type: person, label_it: Primo firmatario}
    - {name: primo, type: text, label_it: Ancora}
  attachments:
    - {label_it: Liste delle firme, required: true}
  fee_chf: 12.5
  fee_note: Da confermare.
  output: information
  output_it: Conferma
  processing_days: 60
  legal_basis: LOC
- id: strano
  category: diritti
  title_it: Strano
  purpose_it: Strano.
  audience: [citizen]
  office_key: cancelleria
  identity_level: none
  fields: [{name: x, type: hologram, label_it: X}]
  output: receipt
  output_it: Niente
  processing_days: 1
  legal_basis: LOC
`

// What is converted reads again and is written again to the same bytes; what
// cannot be is said and left out.
func TestListsBecomeDrafts(t *testing.T) {
	drafts, problems := Convert("elenco.yaml", []byte(convertible))
	if len(drafts) != 1 || len(problems) != 1 || !strings.Contains(problems[0].Error(), "hologram") {
		t.Fatalf("%d drafts, %v", len(drafts), problems)
	}
	tree, err := Read("petizione.yaml", drafts["petizione"])
	if err != nil {
		t.Fatal(err)
	}
	again, err := Write(tree)
	if err != nil || !strings.HasSuffix(string(drafts["petizione"]), string(again)) {
		t.Errorf("%v\n%s", err, again)
	}
	text := string(again)
	for _, part := range []string{"value: municipio\n", "value: municipio_2\n", "id: primo_2\n", "id: allegato_1\n", "kind: receipt\n", "level: 1\n", "12.5", "verified: false\n"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if left := Undrafted(drafts, map[string]Tree{"petizione": {}}); len(left) != 0 {
		t.Error("a service would be written over")
	}
}
