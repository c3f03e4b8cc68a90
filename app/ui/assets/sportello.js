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
            const wrong = document.getElementById(input.id + "-e");
            if (wrong) { // it was about what stood there
              wrong.remove();
              input.removeAttribute("aria-invalid");
              input.removeAttribute("aria-describedby");
            }
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

  // A search field suggests services while somebody types: a combobox with a
  // list (WAI-ARIA Authoring Practices). Without this it is a form like others.
  for (const form of document.querySelectorAll("form[data-suggest]")) {
    const input = form.querySelector("input[type=search]");
    if (!input) continue;
    const list = document.createElement("div");
    const said = document.createElement("div");
    const name = input.getAttribute("aria-label") || "";
    let options = [], current = -1, timer = 0, asked = null;
    list.className = "sp-suggest";
    list.hidden = true;
    said.className = "ds-sr-only";
    said.setAttribute("role", "status");
    form.append(list, said);
    const id = "sp-suggest-" + [...document.querySelectorAll(".sp-suggest")].indexOf(list);
    for (const [key, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id })) input.setAttribute(key, value);
    input.type = "text";
    input.setAttribute("enterkeyhint", "search");
    list.innerHTML = `<ul role="listbox" id="${id}"></ul>`;

    const mark = (n) => {
      options[current]?.setAttribute("aria-selected", "false");
      current = n;
      const option = options[n];
      if (!option) {
        input.removeAttribute("aria-activedescendant");
        return;
      }
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    };
    const open = (yes) => {
      yes = yes && options.length > 0;
      list.hidden = !yes;
      input.setAttribute("aria-expanded", String(yes));
      if (!yes) mark(-1);
    };
    const fill = (html, query) => {
      const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[role=listbox]");
      if (!fresh || query !== input.value.trim()) return;
      fresh.id = id;
      fresh.setAttribute("aria-label", name);
      list.replaceChildren(fresh);
      options = [...fresh.querySelectorAll("[role=option]")];
      options.forEach((option, n) => {
        option.id = id + "-" + n;
        option.setAttribute("aria-selected", "false");
      });
      current = -1;
      open(document.activeElement === input);
      said.textContent = fresh.dataset.count || "";
    };
    const ask = async () => {
      const query = input.value.trim();
      asked?.abort();
      if (query.length < 2) {
        options = [];
        said.textContent = "";
        open(false);
        return;
      }
      asked = new AbortController();
      try {
        const answer = await fetch(form.dataset.suggest + "?q=" + encodeURIComponent(query), { headers: { Accept: "text/html" }, signal: asked.signal });
        if (answer.ok) fill(await answer.text(), query);
      } catch {
        // typed on, or away for a moment: the form works as it is
      }
    };
    const go = (option) => location.assign(option.dataset.url);

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 120);
    });
    input.addEventListener("keydown", (event) => {
      const n = options.length;
      if (event.key === "ArrowDown" && n) {
        if (list.hidden) open(true);
        mark((current + 1) % n);
      } else if (event.key === "ArrowUp" && n) {
        if (list.hidden) open(true);
        mark(current <= 0 ? n - 1 : current - 1);
      } else if (event.key === "Escape" && !list.hidden) {
        open(false);
      } else if (event.key === "Enter" && !list.hidden && options[current]) {
        go(options[current]);
      } else {
        if (event.key === "Tab") open(false);
        return;
      }
      event.preventDefault();
    });
    form.addEventListener("submit", (event) => {
      if (list.hidden || !options[current]) return;
      event.preventDefault(); // a suggestion was chosen: the search is not wanted
      go(options[current]);
    });
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) go(option);
    });
    input.addEventListener("focus", () => open(input.value.trim().length > 1));
    input.addEventListener("blur", () => open(false));
    addEventListener("pageshow", () => open(false));
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
