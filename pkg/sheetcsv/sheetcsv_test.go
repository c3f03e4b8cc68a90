package sheetcsv_test

import (
	"testing"

	"github.com/sportello-ticino/sportello/pkg/sheetcsv"
)

func TestWrite(t *testing.T) {
	got, err := sheetcsv.Write([]string{"Comune", "Quota CHF"}, [][]string{
		{"Città di Prova", "1234.50"}, {`Con "virgolette"; e punto`, "0.05"}, {"=HYPERLINK(1)", "-3.10"}, {"@x", "-1+2"}, {"", ""},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "\ufeffComune;Quota CHF\r\nCittà di Prova;1234.50\r\n\"Con \"\"virgolette\"\"; e punto\";0.05\r\n'=HYPERLINK(1);-3.10\r\n'@x;'-1+2\r\n;\r\n"
	if string(got) != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
