/* Every page: copy and download, and names for what the theme leaves nameless. */
(() => {
  "use strict";

  const text = (name) => document.querySelector(`[data-kb-text="${name}"]`).textContent;

  const say = (button, message) => {
    const said = document.querySelector(".kb-said");
    if (said) said.textContent = message;
    const label = button.dataset.kbLabel || (button.dataset.kbLabel = button.textContent);
    button.textContent = message;
    clearTimeout(button.kbTimer);
    button.kbTimer = setTimeout(() => { button.textContent = label; }, 1600);
  };

  const selectAndCopy = (name) => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(`[data-kb-text="${name}"]`));
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  };

  const copy = async (button) => {
    const name = button.dataset.kbCopy;
    try {
      await navigator.clipboard.writeText(text(name));
      say(button, "Copied");
    } catch {
      say(button, selectAndCopy(name) ? "Copied" : "Press Ctrl+C");
    }
  };

  const download = (button) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text(button.dataset.kbFrom)], { type: "text/plain" }));
    link.download = button.dataset.kbDownload;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say(button, "Saved");
  };

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-kb-copy], [data-kb-download]");
    if (!button) return;
    if (button.dataset.kbCopy) copy(button); else download(button);
  });

  document.addEventListener("change", (event) => {
    const menu = event.target instanceof Element && event.target.closest("[data-kb-choose]");
    if (menu) document.querySelector(`[data-kb-text="${menu.dataset.kbChoose}"]`).textContent = menu.value;
  });

  /* On the page of a paper `y` copies its citation, as in the table; an address that ends in #cite opens the drawer. */
  document.addEventListener("keydown", (event) => {
    const busy = event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select") || document.querySelector("dialog[open]");
    const button = document.querySelector('[data-kb-copy="citation"]');
    if (event.key !== "y" || busy || !button) return;
    event.preventDefault();
    copy(button);
  });

  /* What copies and saves needs a script, so it comes with one; the other styles and formats when the drawer opens. */
  const drawer = document.getElementById("cite");
  const { el, fetched } = window.readrunFind;
  const page = location.pathname.split("/").pop().replace(/\.html$/, "");
  const button = (attributes, label) => el("button", { type: "button", class: "kb-tool", ...attributes }, label);
  const tools = (name, label, ending) => el("p", { class: "kb-tools" }, button({ "data-kb-copy": name }, `Copy ${label}`), " ",
    button({ "data-kb-download": page + ending, "data-kb-from": name }, `Download ${ending}`));
  const format = (name, label, ending, text) => el("details", { id: `cite-${name}`, name: "kb-format", open: !drawer.querySelector("details") },
    el("summary", {}, label), el("pre", { class: "kb-bibtex", tabindex: "0", "aria-label": label }, el("code", { "data-kb-text": name }, text)),
    tools(name, label, ending));
  const choice = el("p", { class: "kb-tools" }, button({ "data-kb-copy": "citation" }, "Copy citation"));
  const fill = async () => {
    let found;
    window.readrunPart = (number, styles, records) => { found = [styles, records[page]]; };
    await fetched(`export/${drawer.dataset.kbPart}.js`);
    const [styles, [, ris, csl, ...citations]] = found;
    choice.prepend(el("select", { class: "kb-tool", "data-kb-choose": "citation", "aria-label": "Citation style" },
      ...styles.map((name, i) => el("option", { value: citations[i] }, name))), " ");
    drawer.querySelector(".kb-said").before(format("ris", "RIS", ".ris", ris), format("csl", "CSL-JSON", ".json", csl));
  };
  if (drawer) {
    drawer.querySelector(".kb-citation").after(choice);
    drawer.querySelector("#cite-bibtex")?.append(tools("bibtex", "BibTeX", ".bib"));
    drawer.addEventListener("toggle", () => fill().catch(() => { drawer.querySelector(".kb-said").textContent = "The other styles and formats could not be loaded."; }), { once: true });
  }
  if (location.hash === "#cite") document.getElementById("cite")?.showPopover?.();

  /* What the theme makes in the browser: landmarks without a name, one a block of code, and tables that only a mouse can move. */
  const named = () => {
    for (const bar of document.querySelectorAll("nav.md-code__nav:not([role])")) bar.setAttribute("role", "none");
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", `Table ${document.querySelectorAll(".md-typeset__scrollwrap[tabindex]").length}`);
    }
  };
  new MutationObserver(named).observe(document.body, { childList: true, subtree: true });
  named();
})();
