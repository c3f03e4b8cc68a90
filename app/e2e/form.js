// What a step of a form asks, in the order of the page: every control with its
// name, what stands in it and all that labels it, and every repeated group with
// its button for another item.
(() => {
  const clean = (s) => (s || "").replace(/\s+/g, " ").trim();
  const text = (e) => {
    const copy = e.cloneNode(true);
    for (const o of copy.querySelectorAll(".sp-optional")) o.remove();
    return clean(copy.textContent);
  };
  const form = document.querySelector("main form[action]");
  if (!form) return { controls: [], groups: [], end: false };
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const legends = (e) => {
    const out = [];
    for (let f = e.closest("fieldset"); f; f = f.parentElement.closest("fieldset")) out.unshift(text(f.querySelector(":scope > legend") || f));
    return out;
  };
  const controls = [...form.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(seen).map((e) => ({
    name: e.name,
    type: e.type,
    value: e.value,
    checked: e.checked === true,
    options: e.options ? [...e.options].map((o) => [o.value, clean(o.textContent)]) : [],
    labels: [...legends(e), ...[...e.labels].map(text)].join(" / "),
    named: [...e.labels].map(text).join(" "),
  }));
  const groups = [...form.querySelectorAll("input[type=hidden][name$='.n']")].map((e) => ({
    name: e.name.slice(0, -2),
    items: Number(e.value),
    add: text(e.closest("fieldset").querySelector(":scope > div > button[name=add]") || document.createElement("i")),
  }));
  return { controls, groups, end: form.getAttribute("action").endsWith("/riepilogo") };
})()
