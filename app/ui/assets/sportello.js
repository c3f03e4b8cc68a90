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

  // What is typed on a form's page is saved a second after the last key, as it
  // stands; a tab that closes sends it on its way.
  for (const form of document.querySelectorAll("form[data-keep]:not([data-keep=''])")) {
    let timer, request, dirty = false;
    const said = form.querySelector("[data-kept]");
    const typed = () => new URLSearchParams([...new FormData(form)].filter(([, v]) => typeof v === "string"));
    const keep = async () => {
      dirty = false;
      request = new AbortController();
      try {
        const answer = await fetch(form.dataset.keep, { method: "POST", body: typed(), signal: request.signal, headers: { Accept: "application/json" } });
        if (!answer.ok) throw answer;
        if (said) said.textContent = (await answer.json()).text;
      } catch {
        dirty = !request.signal.aborted; // away for a moment: the next key tries again
      }
    };
    const later = (event) => {
      if (event.target.type === "file") return;
      dirty = true;
      clearTimeout(timer);
      timer = setTimeout(keep, 1000);
    };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
    form.addEventListener("submit", () => {
      clearTimeout(timer);
      request?.abort();
      dirty = false;
    });
    addEventListener("pagehide", () => {
      if (dirty) navigator.sendBeacon(form.dataset.keep, typed());
    });
  }

  // A point on the map: the browser's own position in Swiss coordinates, by
  // swisstopo's approximate formulas.
  for (const set of document.querySelectorAll("[data-locate]")) {
    const box = set.querySelector(".sp-locate");
    const button = box?.querySelector("button");
    if (!button || !navigator.geolocation) continue;
    box.hidden = false;
    const say = (text) => (box.querySelector("[role=status]").textContent = text);
    button.addEventListener("click", () =>
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          const f = (coords.latitude * 3600 - 169028.66) / 1e4;
          const l = (coords.longitude * 3600 - 26782.5) / 1e4;
          const east = 2600072.37 + 211455.93 * l - 10938.51 * l * f - 0.36 * l * f * f - 44.54 * l ** 3;
          const north = 1200147.07 + 308807.95 * f + 3745.25 * l * l + 76.63 * f * f - 194.56 * l * l * f + 119.79 * f ** 3;
          const fill = (end, metres) => {
            const input = set.querySelector(`input[name$="${end}"]`);
            input.value = Math.round(metres);
            input.dispatchEvent(new Event("input", { bubbles: true }));
          };
          fill("_east", east);
          fill("_north", north);
          say(button.dataset.done);
        },
        () => say(button.dataset.away),
        { enableHighAccuracy: true, timeout: 10000 },
      ),
    );
  }

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
