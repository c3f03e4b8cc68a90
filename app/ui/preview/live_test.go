package preview

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	console "github.com/sportello-ticino/sportello/app/console/view"
	payments "github.com/sportello-ticino/sportello/app/payments/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// TestLivePreview changes a colour on the console's page: the preview and the
// offer come at once, and who types stays where they were.
func TestLivePreview(t *testing.T) {
	texts := words(t)
	mux := frame(t)
	mux.HandleFunc("/console/colori", func(w http.ResponseWriter, r *http.Request) {
		p := console.BrandPage{CommuneName: "Città di Esempio", First: "#0072BC", Second: "#14324F", Subtitle: "Sportello online", PreviewURL: "/preview/blu.css"}
		if r.Method == http.MethodPost {
			if got := r.FormValue(console.ActionName); got != console.ActionPreview {
				t.Errorf("a change posted the action %q", got)
			}
			p.First, p.Second, p.PreviewURL = r.FormValue(console.FirstName), r.FormValue(console.SecondName), "/preview/chiaro.css"
		}
		p.Judge(i18n.WithLang(r.Context(), texts, "it"))
		sample{"colori", "Colori", work(ui.Console, "Livia Modello"), console.Brand(p)}.write(t, texts, w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	tab, cancel := context.WithTimeout(start(t), 30*time.Second)
	defer cancel()
	err := chromedp.Do(tab,
		chromedp.Navigate(srv.URL+"/console/colori"),
		chromedp.Focus("#f-first"),
		chromedp.Clear("#f-first"),
		chromedp.SendKeys("#f-first", "#FFD800"),
		chromedp.Focus("#f-second"),
		chromedp.WaitVisible(".sp-panel[data-tone=sun] button"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(tab, chromedp.Evaluate[[]string](`[document.activeElement.id, document.querySelector("#f-first").value,
		document.querySelector("#f-first").previousElementSibling.value, document.querySelector("#marchio link").getAttribute("href"),
		String(document.querySelectorAll("#marchio form").length), document.querySelector(".sp-panel[data-tone=sun] button").textContent]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"f-second", "#FFD800", "#ffd800", "/preview/chiaro.css", "2", "Usare #"}
	for i, w := range want {
		if !strings.HasPrefix(strings.TrimSpace(got[i]), w) {
			t.Errorf("part %d is %q, want %q", i, got[i], w)
		}
	}
}

// TestWaitingPageGoesOn waits on the page of a payment until the server leads
// to the case.
func TestWaitingPageGoesOn(t *testing.T) {
	texts := words(t)
	mux := frame(t)
	var asked atomic.Int32
	mux.HandleFunc("/attesa", func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if n > 2 {
			http.Redirect(w, r, "/fatto", http.StatusSeeOther)
			return
		}
		body := payments.Wait(payments.WaitPage{Ref: "ESE-2026-3F8Q-K", Amount: "CHF 10.00", CaseURL: "/c", Late: n > 1})
		sample{"attesa", "Pagamento", portal("Anna Esempio"), body}.write(t, texts, w, r)
	})
	mux.HandleFunc("/fatto", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>x</title><p id="fatto">fatto</p>`))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	tab, cancel := context.WithTimeout(start(t), 30*time.Second)
	defer cancel()
	if err := chromedp.Do(tab, chromedp.Navigate(srv.URL+"/attesa"), chromedp.WaitVisible("#fatto")); err != nil {
		t.Fatal(err)
	}
}
