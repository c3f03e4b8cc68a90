package view_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

func TestJudge(t *testing.T) {
	data, err := os.ReadFile("../../../tenants/shared/texts/it/pages.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := i18n.Load(fstest.MapFS{"texts/it/pages.yaml": {Data: data}}, "texts")
	if err != nil {
		t.Fatal(err)
	}
	ctx := i18n.WithLang(context.Background(), bundle, "it")
	tests := []struct {
		name, first, second     string
		ok                      bool
		firstError, secondError string
		offered                 string
	}{
		{"passes", "#0072BC", "#14324F", true, "", "", ""},
		{"too light", "#ffd800", "#14324F", false, "1.3 : 1. Serve almeno 4.5 : 1.", "", "#14324F"},
		{"a red commune with light buttons", "#C8102E", "#ffd800", false, "", "Troppo chiaro per un testo bianco", "#C8102E"},
		{"a light red and a light second", "#ff8080", "#ffd800", false, "Troppo chiaro per il segno", "Troppo chiaro per un testo", "#"},
		{"no colour", "azzurro", "#14324F", false, "Scriva il colore come #0072BC", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := view.BrandPage{First: tt.first, Second: tt.second}
			ok, first, second := p.Judge(ctx)
			plain := strings.NewReplacer("\u00a0", " ")
			if ok != tt.ok {
				t.Errorf("ok = %v", ok)
			}
			for got, want := range map[string]string{p.FirstError: tt.firstError, p.SecondError: tt.secondError} {
				if (want == "") != (got == "") || !strings.Contains(plain.Replace(got), want) {
					t.Errorf("error %q, want %q", got, want)
				}
			}
			if (tt.offered == "") != (p.Offer == nil) {
				t.Fatalf("offer = %+v", p.Offer)
			}
			if p.Offer == nil {
				return
			}
			if !strings.Contains(p.Offer.First+p.Offer.Second, tt.offered) {
				t.Errorf("offer = %+v keeps not %s", p.Offer, tt.offered)
			}
			again := view.BrandPage{First: p.Offer.First, Second: p.Offer.Second}
			if ok, _, _ := again.Judge(ctx); !ok {
				t.Errorf("the offer %+v is refused itself", p.Offer)
			}
			if !strings.EqualFold(p.Offer.First, first.String()) || !strings.EqualFold(p.Offer.Second, second.String()) {
				t.Errorf("preview of %s and %s, offer %+v", first, second, p.Offer)
			}
		})
	}
}
