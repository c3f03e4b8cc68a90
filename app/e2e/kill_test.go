package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// These tests end processes under the others' feet, so they run alone, before
// the tests that say Parallel go on.

// The worker dies between the payment and the document.
func TestKillWorkerBetweenPaymentAndDocument(t *testing.T) {
	p, ref := toPaymentPage(t, "lugano", "firm-signatory")
	worker := hold(t, "worker") // so that it is surely not done before it dies
	p.press("Pagare CHF")
	p.sees("Prepariamo il documento", "Ha pagato CHF 10.00")
	kill(t, worker)
	deliveredOnce(t, p, "lugano", ref)
}

// The web process dies too, at once after it has confirmed the payment.
func TestKillServerBetweenPaymentAndDocument(t *testing.T) {
	p, ref := toPaymentPage(t, "bellinzona", "mandate-holder")
	worker := hold(t, "worker")
	p.press("Pagare CHF")
	p.open("/area/pratiche/" + ref)
	p.sees("Pagamento ricevuto")
	p.doesNotSee("Pagare CHF")
	server := pid(t, "serve")
	kill(t, server)
	kill(t, worker)
	waitForServer(t, server)
	deliveredOnce(t, p, "bellinzona", ref)
}

// The web process is dead when the payer pays: the provider's word finds
// nobody, and the way back leads nowhere.
func TestKillServerBeforePayment(t *testing.T) {
	p, ref := toPaymentPage(t, "lugano", "represented")
	server := pid(t, "serve")
	kill(t, server)
	p.find("button", "Pagare CHF", "")
	p.hit("\r") // and the payer closes the window
	paid(t, "lugano", ref)
	waitForServer(t, server)
	deliveredOnce(t, as(t, "lugano", "represented"), "lugano", ref)
}

// toPaymentPage goes as far as the provider's page.
func toPaymentPage(t *testing.T, commune, persona string) (*person, string) {
	t.Helper()
	p := as(t, commune, persona)
	p.open("/servizi/certificato-domicilio")
	fillCertificate(p)
	p.press("Pagare CHF")
	return p, p.ref()
}

// deliveredOnce waits for the document and then for the last job, and counts.
func deliveredOnce(t *testing.T, p *person, commune, ref string) {
	t.Helper()
	p.finds("/area/pratiche/"+ref, "Documento pronto")
	p.sees("Conclusa")
	p.open("/area/documenti")
	if n := rows(p, ref, certificate); n != 1 {
		t.Errorf("there are %d documents of the case, want 1", n)
	}
	p.open("/area/pagamenti")
	if n := rows(p, ref, "Pagato"); n != 1 {
		t.Errorf("%d payments are counted, want 1", n)
	}
	entity := as(t, "ente", "entity-auditor")
	entity.finds("/comuni", "0 lavori in coda")
	paidOnce(t, commune, ref)
	if n := len(mailsAbout(t, ref)); n != 1 {
		t.Errorf("%d mails are about the case, want 1", n)
	}
	p.open("/area/pratiche/" + ref)
	if n := eval[int](p, `document.querySelector("main").innerText.split("Documento pronto").length - 1`); n != 1 {
		t.Errorf("the history says %d times that the document is ready", n)
	}
}

// rows counts the lines of a list or table that name the case and a word.
func rows(p *person, ref, word string) int {
	p.t.Helper()
	return eval[int](p, fmt.Sprintf(`[...document.querySelectorAll("main .sp-rows > li, main tbody > tr")].filter((e) => e.innerText.includes(%q) && e.innerText.includes(%q)).length`, ref, word))
}

func pid(t *testing.T, name string) int {
	t.Helper()
	n, err := demo.pid(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// hold freezes a process; should the test fail it goes on.
func hold(t *testing.T, name string) int {
	t.Helper()
	n := pid(t, name)
	if err := syscall.Kill(n, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(n, syscall.SIGCONT) })
	return n
}

// kill is kill -9.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// waitForServer waits until another web process than the dead one answers.
func waitForServer(t *testing.T, dead int) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		if n, err := demo.pid("serve"); err == nil && n != dead && ready() {
			return
		}
	}
	t.Fatal("the web process does not come back")
}

// paid waits until the provider has taken the money.
func paid(t *testing.T, commune, ref string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		for _, x := range transactions(t, commune) {
			if x.Case == ref && x.State == "FULFILL" {
				return
			}
		}
	}
	t.Fatal("the provider has taken no money")
}
