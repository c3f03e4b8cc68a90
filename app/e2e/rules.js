// What holds for every page: nothing is wider than the window but navigation,
// ids are unique, there is one main heading and one filled button, labels name
// something, links lead somewhere.
(() => {
  const out = [...(window.e2eComplaints || [])];
  const w = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > w) {
    const e = [...document.body.querySelectorAll("*")].find((e) => {
      const r = e.getBoundingClientRect();
      return r.right > w + 1 && r.width > 0 && !e.closest(".sp-hero, .sp-tabs, .sp-side, .ds-sr-only, thead");
    });
    out.push("wider than the window: " + (e ? e.outerHTML.slice(0, 200) : document.documentElement.scrollWidth));
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) out.push("id twice: " + id);
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) out.push(headings + " main headings");
  if (!document.title.trim()) out.push("no title");
  const filled = [...document.querySelectorAll("main .ds-button")].filter((b) => !b.closest("[inert]") && ["", "primary"].includes(b.dataset.variant || ""));
  if (filled.length > 1) out.push(filled.length + " filled buttons: " + filled.map((b) => b.textContent.trim()).join(", "));
  for (const a of document.querySelectorAll('a[href^="#"]')) if (!document.getElementById(a.hash.slice(1))) out.push("leads nowhere: " + a.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby], label[for]"))
    for (const id of ((e.getAttribute("aria-describedby") || "") + " " + (e.getAttribute("aria-labelledby") || "") + " " + (e.getAttribute("for") || "")).trim().split(/\s+/))
      if (!document.getElementById(id)) out.push("names nothing: " + id + " in " + e.outerHTML.slice(0, 120));
  const words = document.body.innerText;
  for (const m of words.match(/\b[a-z-]{2,}\.[a-z_-]{2,}\.[a-z_.-]+\b(?!\.(ch|example|localhost))/g) || []) if (!/localhost|example|\.ch$|www\./.test(m)) out.push("a text is missing: " + m);
  for (const m of words.match(/\{[a-z_]+\}|%!|<nil>|undefined|NaN/g) || []) out.push("an unfilled text: " + m);
  return out;
})()
