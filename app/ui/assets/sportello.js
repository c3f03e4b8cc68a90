// What a browser adds to pages that are complete without it. Nothing here may
// be needed to get a thing done.
(() => {
  "use strict";

  // A form that came back: the summary of what to correct is read first.
  document.querySelector("[data-autofocus]")?.focus();

  // A file that the server would refuse is told at once.
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!input.matches?.("input[type=file][data-max-bytes]")) return;
    const limit = Number(input.dataset.maxBytes);
    const big = limit > 0 && [...input.files].find((f) => f.size > limit);
    input.setCustomValidity(big ? input.dataset.tooLarge || big.name : "");
    if (big) input.reportValidity();
  });

  // A second click on a button that pays or submits does nothing for a while.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    const now = Date.now();
    if (now - Number(form.dataset.sentAt || 0) < 4000) {
      event.preventDefault();
      return;
    }
    form.dataset.sentAt = now;
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent-at]")) delete form.dataset.sentAt;
  });

  // The swatch and the code beside it say the same colour.
  document.addEventListener("input", (event) => {
    const input = event.target;
    const code = input.dataset?.for && document.getElementById(input.dataset.for);
    if (code) {
      code.value = input.value.toUpperCase();
      return;
    }
    const swatch = input.id && document.querySelector(`input[type=color][data-for="${CSS.escape(input.id)}"]`);
    if (swatch && /^#[0-9a-f]{6}$/i.test(input.value)) swatch.value = input.value;
  });

  // A page that waits asks for itself again and shows what changed. As soon as
  // the server leads elsewhere, the browser goes there.
  const waiting = document.querySelector("[data-poll][id]");
  if (waiting) {
    const timer = setInterval(async () => {
      let answer;
      try {
        answer = await fetch(location.href, { redirect: "manual", headers: { Accept: "text/html" } });
      } catch {
        return; // away for a moment: the next try may do
      }
      if (answer.type === "opaqueredirect") {
        clearInterval(timer);
        location.reload();
        return;
      }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(waiting.id);
      if (!fresh) return;
      if (!fresh.dataset.poll && "reload" in waiting.dataset) {
        clearInterval(timer);
        location.reload();
        return;
      }
      document.title = page.title;
      waiting.replaceChildren(...fresh.childNodes);
      if (!fresh.dataset.poll) clearInterval(timer);
    }, 1000 * Number(waiting.dataset.poll || 2));
  }

  // Codes and references can be copied.
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.copied || button.textContent;
    });
  }
})();
