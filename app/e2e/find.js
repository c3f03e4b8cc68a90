// Finds what a person means by a word: a link, a button, a field by its label,
// a choice by its question and its answer. Leaves it in window.e2eTarget and
// returns "" or why it was not found.
((kind, name, within) => {
  const clean = (s) => (s || "").replace(/\s+/g, " ").trim();
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("[inert]");
  const text = (e) => {
    const copy = e.cloneNode(true);
    for (const o of copy.querySelectorAll(".sp-optional")) o.remove();
    return clean(copy.textContent);
  };
  const named = (e) => e.getAttribute("aria-label") ||
    clean((e.getAttribute("aria-labelledby") || "").split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(" ")) || text(e);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)].filter(seen);
  const inputs = "input:not([type=hidden]), select, textarea";
  const candidates = {
    link: () => all("a[href]").map((e) => [named(e), e]),
    button: () => all("button, input[type=submit]").map((e) => [named(e), e]),
    field: () => all(inputs).map((e) => [e.getAttribute("aria-label") || [...(e.labels || [])].map(text).join(" "), e]),
    choice: () => all(inputs).filter((e) => e.labels?.length).map((e) => [[...e.labels].map(text).join(" "), e]),
    css: () => [...document.querySelectorAll(name)].map((e) => [name, e]),
  }[kind]();
  let pool = candidates;
  if (within) {
    const groups = all("fieldset").filter((f) => f.querySelector(":scope > legend") && text(f.querySelector(":scope > legend")) === within);
    const sections = all("section, form, article, aside, tr, li").filter((s) => {
      const by = s.getAttribute("aria-labelledby");
      return (by && clean(document.getElementById(by)?.textContent) === within) || (s.matches("tr, li") && text(s).includes(within));
    });
    const roots = groups.length ? groups : sections;
    if (!roots.length) return `no group "${within}"`;
    pool = candidates.filter(([, e]) => roots.some((r) => r.contains(e)));
  }
  const inMain = (list) => {
    const own = list.filter(([, e]) => e.closest("main"));
    return own.length ? own : list;
  };
  let hits = inMain(pool.filter(([n]) => n === name));
  if (!hits.length) hits = inMain(pool.filter(([n]) => n.includes(name)));
  if (!hits.length) return `no ${kind} "${name}"` + (within ? ` in "${within}"` : "") + "; there are: " + pool.map(([n]) => n).join(" | ").slice(0, 1500);
  const same = ([, e]) => e.href || e.id || e.name + e.value;
  if (hits.some((h) => same(h) !== same(hits[0]))) return `"${name}" may be ` + hits.map(([n]) => n).join(" or ");
  window.e2eTarget = hits[0][1];
  return "";
})
