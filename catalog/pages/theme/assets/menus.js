/* Menus of the table: several values of one facet, and a range of years. Text only ever becomes text nodes. */
(() => {
  "use strict";

  const { el } = window.readrunFind;
  const MOST = 200, SEARCHED = 10;
  const number = (n) => n.toLocaleString("en");

  const shell = (label, ...inside) => {
    const count = el("span", {});
    const panel = el("div", { class: "kb-menu__panel" }, ...inside);
    const node = el("details", { class: "kb-menu", name: "kb-menu" }, el("summary", {}, label, " ", count), panel);
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !node.open) return;
      event.stopPropagation();
      node.open = false;
      node.querySelector("summary").focus();
    });
    document.addEventListener("click", (event) => { if (node.open && !node.contains(event.target)) node.open = false; });
    const say = (said) => { count.textContent = said; node.classList.toggle("kb-on", Boolean(said)); };
    return { node, say };
  };

  /* A list of values to tick; `changed` is given those that are ticked. `entries` gives [value, label, count]. */
  window.readrunMenu = (label, entries, changed) => {
    const filter = el("input", { type: "search", class: "kb-menu__find", placeholder: `Find in ${label.toLowerCase()}`, "aria-label": `Find in ${label.toLowerCase()}`, autocomplete: "off", spellcheck: "false" });
    const list = el("ul", { class: "kb-menu__list" });
    const more = el("p", { class: "kb-menu__more" });
    const { node, say } = shell(label, filter, list, more);
    let chosen = [];
    const draw = () => {
      if (!node.open) return;
      const fold = window.readrunTable.fold, wanted = fold(filter.value.trim());
      const all = entries(), ticked = new Set(chosen);
      const left = all.filter(([value, said]) => ticked.has(value) || !wanted || fold(said).includes(wanted));
      left.sort((a, b) => ticked.has(b[0]) - ticked.has(a[0]));
      const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
      list.replaceChildren(...left.slice(0, MOST).map(([value, said, n]) => el("li", {}, el("label", {},
        el("input", { type: "checkbox", value, checked: ticked.has(value), onchange: (event) => {
          changed(event.target.checked ? [...chosen, value] : chosen.filter((one) => one !== value));
        } }), el("span", {}, said), el("small", {}, number(n))))));
      if (focused !== null) [...list.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
      filter.hidden = all.length <= SEARCHED;
      more.textContent = left.length > MOST ? `${number(left.length - MOST)} more` : "";
    };
    node.addEventListener("toggle", draw);
    filter.addEventListener("input", draw);
    return { node, show: (values) => { chosen = values; say(values.length ? String(values.length) : ""); draw(); } };
  };

  /* From a year to a year; `changed` is given "2019..2023", "2021" or "". */
  window.readrunYears = (first, last, changed) => {
    const box = (label) => el("input", { type: "number", min: "0", max: "9999", step: "1", "aria-label": label, placeholder: label === "From year" ? String(first) : String(last), oninput: () => told() });
    const from = box("From year"), to = box("To year");
    const { node, say } = shell("Year", el("p", { class: "kb-menu__years" }, from, " to ", to));
    const told = () => {
      const [a, b] = [from.value, to.value];
      changed(a && a === b ? a : a || b ? `${a}..${b}` : "");
    };
    const show = (said) => {
      const [a, b = a] = said.split("..");
      if (document.activeElement !== from) from.value = a;
      if (document.activeElement !== to) to.value = b;
      say(said.replace("..", "–"));
    };
    return { node, show };
  };
})();
