/* Search from every page: the index is fetched when a key is pressed, and everything is a text node. */
(() => {
  "use strict";

  const base = document.currentScript.dataset.base.replace(/\/?$/, "/");
  const MOST = 12;
  const PROSE = { abstract: "abstract", notes: "notes", told: "implementation", taught: "notebook" };
  const STATUS = { unread: "Unread", reading: "Reading", read: "Read" };
  const typingIn = (node) => node instanceof Element && node.closest("input, textarea, select, [contenteditable]");
  const el = (name, attributes, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value === true) node.setAttribute(key, "");
      else if (value !== false && value != null) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child != null && child !== ""));
    return node;
  };

  let loading = null;
  const fetched = (path) => new Promise((resolve, reject) => {
    document.head.append(el("script", { src: base + path, onload: resolve, onerror: () => reject(new Error("a part of this site could not be loaded")) }));
  });
  const start = async () => {
    await Promise.all(["assets/query.js", "assets/engine.js", "search.js"].map(fetched));
    const { language, pages, parts, bounds, total, part } = window.readrunIndex;
    const rows = [];  // in parts that are numbered from the end of the list
    window.readrunSearchPart = (number, some) => { rows[number] = some; };
    const come = async (number) => rows[number] || (await fetched(`search/${number}.js`), rows[number]);
    const engine = async () => {
      if (bounds) await fetched("assets/shards.js");
      else await Promise.all(Array.from({ length: parts }, (_, number) => come(number)));
      return window.readrunEngine(bounds ? { language, index: await window.readrunShards(window.readrunIndex, fetched) } : { language, papers: rows.toReversed().flat() });
    };
    const { papers, answered } = await engine();
    const shown = async (i) => {
      const number = Math.floor((total - 1 - i) / part);
      return (await come(number))[i - Math.max(0, total - (number + 1) * part)];
    };
    return {
      papers, pages, ofPapers: answered,
      ofPages: window.readrunEngine({ language, papers: pages }).search,
      paper: bounds ? shown : async (i) => papers[i],
    };
  };
  const load = () => (loading ||= start().catch((error) => { loading = null; throw error; }));
  const marked = (text, marks) => text.split(/([\p{L}\p{N}_-]+)/u).map((part, at) => (at % 2 && marks(part) ? el("mark", {}, part) : part));
  window.readrunFind = { load, marked, el, fetched, typingIn };

  /* ---- the window ---- */

  const input = el("input", { type: "search", placeholder: "Search papers, notes and pages", "aria-label": "Search", autocomplete: "off", spellcheck: "false", enterkeyhint: "go", maxlength: "500" });
  const said = el("p", { class: "kb-find__said", role: "status" });
  const list = el("ul", { class: "kb-find__list", "aria-label": "Results" });
  const hint = el("p", { class: "kb-find__hint" }, "author:hu  year:2021..2023  tag:quantization  status:unread  has:code  “exact words”  -without");
  const shut = el("button", { type: "button", class: "kb-find__shut", "aria-label": "Close search", onclick: () => view.close() }, "Esc");
  const view = el("dialog", { class: "kb-find", "aria-label": "Search" },
    el("form", { class: "kb-find__form", method: "dialog", role: "search" }, input, shut), said, list, hint);

  const entry = (href, title, marks, about, where) => el("li", {}, el("a", { href: base + href },
    el("span", { class: "kb-find__title" }, ...marked(title, marks)),
    el("span", { class: "kb-find__about" }, ...marked(about, marks), where ? el("small", {}, where) : "")));

  const paperEntry = (answer, index) => async (i) => {
    const paper = await index.paper(i), columns = answer.where(i);
    const prose = Object.entries(PROSE).filter(([name]) => columns.has(name)).map(([, said]) => said);
    const seen = ["title", "authors", "venue", "key"].some((name) => columns.has(name));
    const lacks = (answer.lacking.get(i) || []).join(", ");
    const where = [!seen && prose.length ? `in ${prose.join(" and ")}` : "", lacks ? `without ${lacks}` : ""].filter(Boolean).join(", ");
    const about = [paper.by, STATUS[paper.status]].filter(Boolean).join(" · ");
    return entry(`papers/${paper.slug}.html`, paper.title, answer.marks, about, where);
  };

  let asked = 0;
  const answer = async () => {
    const turn = ++asked, text = input.value;
    hint.hidden = Boolean(text.trim());
    if (!text.trim()) { list.replaceChildren(); said.textContent = ""; return; }
    try {
      const index = await load();
      const papers = await index.ofPapers(text), pages = index.ofPages(text);
      const near = pages.lacking.size && papers.found.length ? [] : pages.found;
      const items = await Promise.all(papers.found.slice(0, MOST).map(paperEntry(papers, index)));
      if (turn !== asked) return;
      items.push(...near.slice(0, 5).map((i) => entry(index.pages[i].slug, index.pages[i].title, pages.marks, index.pages[i].by, "")));
      list.replaceChildren(...items);
      const more = papers.found.length - MOST;
      if (more > 0) list.append(el("li", {}, el("a", { href: `${base}index.html#${new URLSearchParams([["q", text]])}` }, `All ${papers.found.length} papers`)));
      said.textContent = items.length ? window.readrunSaid(papers) : "Nothing found.";
    } catch (error) {
      if (turn !== asked) return;
      said.textContent = error.message;
      if (!(error instanceof SyntaxError)) list.replaceChildren();
    }
  };

  const open = () => {
    if (!view.isConnected) document.body.append(view);
    if (!view.open) view.showModal();
    input.focus();
    input.select();
  };
  input.addEventListener("input", answer);
  view.addEventListener("click", (event) => { if (event.target === view || event.target.closest("a")) view.close(); });
  view.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    if (event.key === "ArrowDown") (links[at + 1] || links[at])?.focus();
    else if (event.key === "ArrowUp") (at > 0 ? links[at - 1] : input).focus();
    else if (event.key === "Escape") view.close();
    else if (event.key === "Enter" && at < 0 && document.activeElement === input) links[0]?.click();
    else return;
    event.preventDefault();
  });

  const header = document.querySelector(".md-header__inner");
  header?.append(el("button", { type: "button", class: "kb-find__open", "aria-keyshortcuts": "Control+K", onclick: open }, "Search", el("kbd", { "aria-hidden": "true" }, "Ctrl K")));
  window.addEventListener("keydown", (event) => {
    const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !typingIn(event.target) && !document.getElementById("kb-q");
    if (!slash && !((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k")) return;
    event.preventDefault();
    open();
  }, true);
})();
