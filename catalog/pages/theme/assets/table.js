/* The table of papers: search, filters and order, all of it kept in the address. Text only ever becomes text nodes. */

/* Of all papers, or of the first ones (not `whole`), to look at until the others have come; `signal` ends it. */
window.readrunTableOf = (root, papers, whole, signal) => {
  "use strict";

  const { el, typingIn } = window.readrunFind;
  const total = window.readrunTotal;
  const PAGE = 50;
  const STATUSES = ["unread", "reading", "read"];
  const LABEL = { unread: "Unread", reading: "Reading", read: "Read" };
  const VERIFIED = { run: "Has an implementation", cpu: "Holds on a CPU", gpu: "Holds on a GPU", unshown: "Not all is shown", fails: "Something fails", none: "No implementation" };
  const fold = (s) => String(s).normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  window.readrunTable = { fold };

  /* Folded when a filter first asks for it, and kept. */
  const folded = (p) => (p.folded ||= { tags: p.tags.map(fold), venue: [fold(p.venue)], author: p.authors.map(fold) });
  papers.forEach((p, i) => {
    p.order = i;
    p.authors ||= []; p.tags ||= []; p.venue ||= ""; p.year ||= 0; p.added ||= ""; p.read ||= "";
    p.readers ||= {};
    p.all = [p.status, p.read];
    p.verified = p.run ? ["run", ...(p.standing || [])] : ["none"];
    p.on ||= [];
  });
  const runs = papers.some((p) => p.run);
  /* A tag that every paper has tells none from another. */
  const everywhere = new Set(papers.length > 1 ? papers[0].tags.filter((t) => papers.every((p) => p.tags.includes(t))) : []);

  /* Where several read, a paper is as far as one of them is, or as the one who was chosen. */
  const readers = [...new Set(papers.flatMap((p) => Object.keys(p.readers)))].sort(collator.compare);
  const seenBy = (reader) => {
    for (const p of papers) [p.status, p.read] = !reader ? p.all : Object.hasOwn(p.readers, reader) ? p.readers[reader] : ["unread", ""];
  };
  const readBy = (p) => Object.keys(p.readers).filter((name) => p.readers[name][0] === "read");

  /* ---- state: what the address says ---- */

  const ONE = ["q", "reader", "year", "sort"], SEVERAL = { status: "status", venue: "venue", author: "author", tags: "tag", verified: "verified" };
  const blank = () => ({ q: "", reader: "", year: "", sort: "", status: [], venue: [], author: [], tags: [], verified: [], code: false });
  let state = blank();
  let shown = PAGE;

  const read = () => {
    const from = new URLSearchParams(location.hash.slice(1));
    const next = blank();
    for (const name of ONE) next[name] = from.get(name) || "";
    for (const [name, said] of Object.entries(SEVERAL)) next[name] = [...new Set(from.getAll(said))].filter(Boolean);
    next.code = from.has("code");
    if (!readers.includes(next.reader)) next.reader = "";
    if (from.has("impl")) next.verified.push("run");
    if (!/^\d{0,4}(\.\.\d{0,4})?$/.test(next.year)) next.year = "";
    if (!Object.hasOwn(SORTS, next.sort.replace(/^-/, ""))) next.sort = "";
    return next;
  };

  const address = () => {
    const to = new URLSearchParams();
    for (const name of ["q", "reader", "year"]) if (state[name]) to.set(name, state[name]);
    for (const [name, said] of Object.entries(SEVERAL)) for (const value of state[name]) to.append(said, value);
    if (state.code) to.set("code", "1");
    if (state.sort) to.set("sort", state.sort);
    return to.toString();
  };

  const update = (change, typing) => {
    Object.assign(state, change);
    shown = PAGE;
    const hash = address();
    const url = location.pathname + location.search + (hash ? "#" + hash : "");
    history[typing ? "replaceState" : "pushState"](null, "", url);
    render();
  };

  /* ---- which papers, in which order ---- */

  /* The words asked for are looked up as `kb search` does; the index comes with the first of them. */
  let answer = null;
  const ask = async () => {
    const text = state.q.trim();
    if (!text) { answer = null; return; }
    if (answer?.text === text) return;
    try {
      const index = await window.readrunFind.load();
      const got = await index.ofPapers(text);
      if (state.q.trim() === text) answer = { text, ...got, rank: new Map(got.found.map((i, rank) => [i, rank])), said: window.readrunSaid(got) };
    } catch (error) {
      if (state.q.trim() === text) answer = { ...(answer || { found: null, rank: null }), text, said: error.message };
    }
    render();
  };

  /* Several values of a facet are alternatives; of tags all must be there. */
  const tests = () => {
    const wanted = Object.fromEntries(["tags", "venue", "author"].map((name) => [name, state[name].map(fold)]));
    const [from, to = from] = state.year.split("..").map(Number);
    const oneOf = (name) => (p) => !wanted[name].length || wanted[name].some((value) => folded(p)[name].includes(value));
    return {
      q: (p) => !state.q.trim() || !answer?.rank || answer.rank.has(p.order),
      status: (p) => !state.status.length || state.status.includes(p.status),
      year: (p) => !state.year || (p.year >= from && p.year <= (to || 9999) && p.year > 0),
      venue: oneOf("venue"),
      author: oneOf("author"),
      tags: (p) => wanted.tags.every((t) => folded(p).tags.includes(t)),
      verified: (p) => !state.verified.length || state.verified.some((value) => p.verified.includes(value)),
      code: (p) => !state.code || Boolean(p.code),
    };
  };

  const SORTS = {
    title: (p) => p.title,
    author: (p) => p.sort || "",
    year: (p) => p.year,
    venue: (p) => p.venue,
    tags: (p) => p.tags[0] || "",
    verified: (p) => (p.run ? p.verified.includes("gpu") * 4 + p.verified.includes("cpu") * 2 + !p.verified.includes("unshown") + 1 : 0),
    status: (p) => STATUSES.indexOf(p.status),
    added: (p) => p.added,
    read: (p) => p.read,
  };
  const SORT_LABEL = {
    title: "Title", author: "First author", year: "Year", venue: "Venue", tags: "Tag", verified: "What is verified", status: "Status",
    added: "Date added", read: "Date read",
  };
  const NEWEST_FIRST = new Set(["year", "added", "read", "status", "verified"]);

  const ordered = (list) => {
    if (!state.sort) return state.q.trim() && answer?.rank ? [...list].sort((a, b) => answer.rank.get(a.order) - answer.rank.get(b.order)) : list;
    const down = state.sort.startsWith("-");
    const value = SORTS[state.sort.replace(/^-/, "")];
    const filled = (v) => v !== "" && v !== 0;
    return [...list].sort((a, b) => {
      const x = value(a), y = value(b);
      if (value !== SORTS.status && filled(x) !== filled(y)) return filled(x) ? -1 : 1;
      const by = typeof x === "number" ? x - y : collator.compare(x, y);
      return (down ? -by : by) || a.order - b.order;
    });
  };

  /* ---- elements ---- */

  const hashFor = (name, value) => "#" + new URLSearchParams([[name, value]]);
  const web = (url) => (/^https?:\/\//i.test(url || "") ? url : "");
  const number = (x) => x.toLocaleString("en");

  const search = el("input", {
    id: "kb-q", type: "search", placeholder: matchMedia("(max-width: 30em)").matches ? "Words, author:…, tag:…" : "Words, author:…, year:2021..2023, tag:…", autocomplete: "off",
    spellcheck: "false", "aria-label": "Filter papers", "aria-keyshortcuts": "/", enterkeyhint: "search",
    oninput: () => update({ q: search.value }, true),
    onkeydown: (event) => {
      if (event.key === "Escape" && search.value) update({ q: "" }, true);
      else if (event.key === "Enter") { event.preventDefault(); body.querySelector(".kb-title")?.focus(); }
    },
  });
  const counted = (name, values, label) => () => {
    const counts = new Map(), checks = tests();
    const keep = Object.keys(checks).filter((k) => k !== name || name === "tags");
    for (const p of papers) if (keep.every((k) => checks[k](p))) for (const v of values(p)) if (v) counts.set(v, (counts.get(v) || 0) + 1);
    for (const v of state[name]) if (!counts.has(v)) counts.set(v, 0);
    return [...counts].map(([v, n]) => [v, label?.[v] || v, n]).sort((a, b) => b[2] - a[2] || collator.compare(a[1], b[1]));
  };
  const menu = (name, label, values, labels) => window.readrunMenu(label, counted(name, values, labels), (chosen) => update({ [name]: chosen }));
  const years = papers.map((p) => p.year).filter(Boolean).reduce(([a, b], y) => [Math.min(a, y), Math.max(b, y)], [9999, 0]);
  const menus = {
    year: window.readrunYears(...years, (year) => update({ year }, Boolean(state.year))),
    tags: menu("tags", "Tags", (p) => p.tags),
    venue: menu("venue", "Venue", (p) => [p.venue]),
    author: menu("author", "Author", (p) => p.authors),
    verified: menu("verified", "Verified", (p) => p.verified, VERIFIED),
  };
  const reader = el("select", { "aria-label": "Reader", onchange: () => update({ reader: reader.value }) },
    el("option", { value: "" }, "Any reader"), ...readers.map((name) => el("option", { value: name }, name)));
  reader.hidden = !readers.length;
  const sort = el("select", { "aria-label": "Sort by", onchange: () => update({ sort: sort.value }) });
  const segments = el("div", { class: "kb-segments", role: "group", "aria-label": "Status" });
  const code = el("button", { type: "button", class: "kb-pill", onclick: () => update({ code: !state.code }) });
  const filters = el("div", { class: "kb-filters" });
  const unfold = el("button", { type: "button", class: "kb-pill kb-unfold", "aria-expanded": "false", onclick: () => {
    unfold.setAttribute("aria-expanded", String(filters.classList.toggle("kb-unfolded")));
  } }, "Filters");
  const chips = el("ul", { class: "kb-chips", "aria-label": "Filters in force" });
  const result = el("p", { class: "kb-result", role: "status", "aria-live": "polite" });
  const body = el("tbody");
  const head = el("tr");
  const more = el("button", { type: "button", class: "kb-show", onclick: () => {
    const first = shown;
    shown += PAGE;
    render();
    body.rows[first]?.querySelector("a")?.focus();
  } });
  const none = el("div", { class: "kb-none", hidden: true },
    el("p", {}, "No paper matches."),
    el("button", { type: "button", class: "kb-button", onclick: () => { update(blank()); search.focus(); } }, "Clear all filters"));
  const table = el("table", { class: "kb-papers" }, el("caption", { class: "kb-hidden" }, "Papers"), el("thead", {}, head), body);
  const exporting = window.readrunExport(() => found, (said) => { result.textContent = said; });

  menus.verified.node.hidden = !runs;
  code.hidden = !papers.some((p) => p.code);
  filters.append(reader, segments, unfold, menus.verified.node, menus.year.node, menus.tags.node, menus.venue.node, menus.author.node, code, sort);
  root.append(
    el("div", { class: "kb-controls", role: "search", "aria-label": "Papers", inert: !whole },
      el("div", { class: "kb-q" }, search, el("kbd", { "aria-hidden": "true" }, "/")),
      filters),
    el("div", { class: "kb-now" }, result, chips, exporting), table, none, more);

  /* ---- rendering ---- */

  /* A column that says the same of every paper says nothing. */
  const kinds = [...new Set(papers.flatMap((p) => (p.on.length ? p.run.map(([label]) => label) : [])))].sort(collator.compare);
  const COLUMNS = [
    ["title", "Paper", () => true], ["year", "Year", (p) => p.year], ["venue", "Venue", (p) => p.venue], ["tags", "Tags", (p) => p.tags.join()],
    ["verified", "Verified", (p) => (p.on.length ? JSON.stringify(p.run) : "")], ["status", "Status", (p) => p.status + p.read], ["added", "Added", (p) => p.added],
  ].filter(([name, , value]) => name === "title" || papers.length < 2 || papers.some((p) => value(p) !== value(papers[0])));
  const heads = COLUMNS.map(([name, label]) => {
    const button = el("button", { type: "button", onclick: () => {
      const first = NEWEST_FIRST.has(name) ? "-" + name : name;
      const other = first.startsWith("-") ? name : "-" + name;
      update({ sort: state.sort === first ? other : state.sort === other ? "" : first });
    } }, label);
    const cell = el("th", { scope: "col", class: "kb-col-" + name }, button);
    if (name === "verified") cell.append(el("small", { class: "kb-kinds", "aria-hidden": "true" }, ...kinds.map((kind) => el("span", {}, kind))));
    head.append(cell);
    return [name, cell];
  });

  const facets = (checks) => {
    const except = (name) => papers.filter((p) => Object.keys(checks).every((k) => k === name || checks[k](p)));
    const all = except("status"), counts = new Map(STATUSES.map((s) => [s, all.filter((p) => p.status === s).length]));
    const flip = (s) => (state.status.includes(s) ? state.status.filter((one) => one !== s) : [...state.status, s]);
    segments.replaceChildren(...[["", "All", all.length], ...STATUSES.map((s) => [s, LABEL[s], counts.get(s)])].map(
      ([value, label, n]) => el("button", {
        type: "button", "data-status": value, "aria-pressed": String(value ? state.status.includes(value) : !state.status.length),
        onclick: () => update({ status: value ? flip(value) : [] }),
      }, label, " ", el("span", {}, number(n)))));
    code.replaceChildren("Has code ", el("span", {}, number(except("code").filter((p) => p.code).length)));
    code.setAttribute("aria-pressed", String(state.code));
    for (const [name, one] of Object.entries(menus)) one.show(state[name]);
  };

  const drawChips = () => {
    const chip = (label, value, change) => el("li", {}, el("button", {
      type: "button", "aria-label": `Remove filter ${label} ${value}`, onclick: () => update(change),
    }, el("small", {}, label), " ", value, el("span", { "aria-hidden": "true" }, "×")));
    const list = Object.entries(SEVERAL).filter(([name]) => name !== "status").flatMap(([name, label]) => state[name].map(
      (value) => chip(label, name === "verified" ? VERIFIED[value] || value : value, { [name]: state[name].filter((one) => one !== value) })));
    if (state.year) list.unshift(chip("year", state.year.replace("..", "–"), { year: "" }));
    if (address().replace(/(^|&)sort=[^&]*/, "")) {
      list.push(el("li", {}, el("button", { type: "button", class: "kb-clear", onclick: () => update({ ...blank(), sort: state.sort }) }, "Clear filters")));
    }
    chips.replaceChildren(...list);
    chips.hidden = !list.length;
  };

  /* A formula was set when the site was built, out of nothing but elements of layout. */
  const formula = (markup) => [...new DOMParser().parseFromString(markup, "text/html").querySelectorAll("body > :is(math, wbr, code)")]
    .map((one) => document.importNode(one, true));
  const marked = (p) => {
    if (state.q.trim() && answer?.marks) return window.readrunFind.marked(p.title, answer.marks);
    if (!p.rich) return [p.title];
    return p.rich.flatMap(([kind, text]) => (kind === "math" ? formula(text) : ["em", "strong", "sub", "sup", "code"].includes(kind) ? el(kind, {}, text) : text));
  };
  /* The kind of each count stands in the heading; where there is none, as on a phone, beside the count. */
  const verdicts = (p) => (p.on.length ? p.run : []).map(([label, value, verdict]) => el("span",
    { class: `kb-verdict kb-verdict--${verdict}`, style: `--kb-kind: ${kinds.indexOf(label) + 1}` }, el("span", { class: "kb-kind" }, label, " "), value));
  const devices = (p) => (p.run ? el("small", {}, ["cpu", "gpu"].filter((d) => p.on.includes(d)).map((d) => d.toUpperCase()).join(", ") || "not yet run") : "");

  const CELLS = {
    title: (p) => {
      const authors = p.authors.length > 3 ? `${p.authors[0]}, ${p.authors[1]} and ${p.authors.length - 2} others` : p.authors.join(", ");
      const links = [["Paper", p.paper], ["Code", p.code]].filter(([, url]) => web(url))
        .map(([name, url]) => el("a", { class: "kb-out", href: url, rel: "noreferrer", "aria-label": `${name} of ${p.title}` }, name));
      if (p.run) links.push(el("a", { class: "kb-out", href: `papers/${p.slug}.html#implementation`, "aria-label": `Implementation of ${p.title}` }, "Implementation"));
      return [el("a", { class: "kb-title", href: `papers/${p.slug}.html` }, ...marked(p)), el("span", { class: "kb-sub" }, el("span", {}, authors), el("span", { class: "kb-outs" }, ...links)), window.readrunCoins(p)];
    },
    year: (p) => [p.year ? String(p.year) : ""],
    venue: (p) => [el("span", { title: p.venue.length > 40 ? p.venue : null }, p.venue.replace(/^(?:In )?Proceedings of (?:the )?(?=.)/i, ""))],
    tags: (p) => p.tags.filter((t) => !everywhere.has(t)).map((t) => el("a", { href: hashFor("tag", t), "data-tag": t }, t)),
    verified: (p) => (p.run ? [el("div", { class: "kb-verdicts" }, ...verdicts(p), devices(p))] : []),
    status: (p) => [el("span", { class: "kb-status kb-status--" + p.status }, LABEL[p.status] || p.status), p.read ? el("time", { datetime: p.read }, p.read) : "",
      !state.reader && readBy(p).length ? el("small", { class: "kb-readers" }, readBy(p).join(", ")) : ""],
    added: (p) => [p.added ? el("time", { datetime: p.added }, p.added) : ""],
  };
  const row = (p) => el("tr", { "data-order": String(p.order) }, ...COLUMNS.map(([name]) => el("td", { class: "kb-col-" + name }, ...CELLS[name](p))));

  let found = papers;
  const render = () => {
    ask();
    reader.value = state.reader;
    reader.classList.toggle("kb-on", Boolean(state.reader));
    seenBy(state.reader);
    const checks = tests();
    found = ordered(papers.filter((p) => Object.values(checks).every((check) => check(p))));
    if (search.value !== state.q) search.value = state.q;
    facets(checks);
    drawChips();
    const key = state.sort.replace(/^-/, "");
    for (const [name, cell] of heads) {
      if (name === key) cell.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    const sorts = Object.keys(SORTS).filter((name) => runs || name !== "verified").map((name) => (NEWEST_FIRST.has(name) ? "-" + name : name));
    if (state.sort && !sorts.includes(state.sort)) sorts.push(state.sort);
    sort.replaceChildren(el("option", { value: "" }, state.q.trim() ? "Best match" : "In list order"), ...sorts.map((value) => {
      const turned = NEWEST_FIRST.has(value.replace(/^-/, "")) !== value.startsWith("-");
      return el("option", { value }, "By " + SORT_LABEL[value.replace(/^-/, "")].toLowerCase() + (turned ? ", reversed" : ""));
    }));
    sort.value = state.sort;
    sort.classList.toggle("kb-on", Boolean(state.sort));
    body.replaceChildren(...found.slice(0, shown).map(row));
    result.textContent = found.length === papers.length ? `${number(total)} ${total === 1 ? "paper" : "papers"}` : `${number(found.length)} of ${number(papers.length)} papers`;
    if (state.q.trim() && answer?.said) result.textContent += ` · ${answer.said}`;
    table.hidden = !found.length;
    none.hidden = Boolean(found.length) || !papers.length;
    exporting.hidden = !whole || !found.length;
    more.hidden = !whole || found.length <= shown;
    more.textContent = `Show ${Math.min(PAGE, found.length - shown)} more of ${number(found.length - shown)}`;
    document.dispatchEvent(new Event("ZoteroItemUpdated", { bubbles: true, cancelable: true }));
  };

  body.addEventListener("click", (event) => {
    const tag = event.target.closest("[data-tag]");
    if (!tag || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!state.tags.includes(tag.dataset.tag)) update({ tags: [...state.tags, tag.dataset.tag] });
  });

  /* ---- keys ---- */

  const help = el("dialog", { class: "kb-find kb-keys", "aria-label": "Keys" }, el("dl", {}, ...[
    ["/", "search this list"], ["j", "next paper"], ["k", "previous paper"], ["Enter", "open it"], ["y", "copy its citation"], ["Ctrl K", "search everything"], ["?", "these keys"],
  ].flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)])), el("form", { method: "dialog" }, el("button", { class: "kb-button" }, "Close")));
  const here = () => document.activeElement?.closest?.("tr[data-order]");
  const step = (by) => {
    const rows = [...body.rows], at = rows.indexOf(here());
    const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
    next?.querySelector(".kb-title").focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const copy = async () => {
    const paper = papers[Number((here() || body.rows[0])?.dataset.order)];
    if (!paper) return;
    try {
      await navigator.clipboard.writeText(await window.readrunCitation(paper));
      result.textContent = `Copied the citation of ${paper.title}`;
    } catch { result.textContent = "The citation could not be copied."; }
  };
  const KEYS = {
    "/": () => { search.focus(); search.select(); }, j: () => step(1), k: () => step(-1), y: copy,
    "?": () => { if (!help.isConnected) document.body.append(help); if (!help.open) help.showModal(); },
  };
  window.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(KEYS, event.key) || event.ctrlKey || event.metaKey || event.altKey || typingIn(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    KEYS[event.key]();
  }, { capture: true, signal });

  for (const count of document.querySelectorAll("a.kb-count")) count.href = count.hash;  // stay on this page, whatever its address
  const follow = () => { state = read(); shown = PAGE; render(); };
  window.addEventListener("popstate", follow, { signal });
  window.addEventListener("hashchange", follow, { signal });
  follow();
};

/* Where papers are many they come in parts, numbered from the end of the list. */
(() => {
  "use strict";

  const root = document.getElementById("kb-table");
  if (!root || !window.readrunPapers) return;
  const { el, fetched } = window.readrunFind;
  const first = new AbortController();
  const others = async () => {
    const rows = [];
    window.readrunRows = (number, some) => { rows[number] = some; };
    await Promise.all(Array.from({ length: window.readrunTableParts }, (_, number) => fetched(`table/${number}.js`)));
    first.abort();
    root.replaceChildren();
    window.readrunTableOf(root, rows.reverse().flat(), true, new AbortController().signal);
  };
  if (!window.readrunTableParts) window.readrunTableOf(root, window.readrunPapers, true, first.signal);
  else {
    if (!location.hash) window.readrunTableOf(root, window.readrunPapers, false, first.signal);
    others().catch((error) => root.append(el("p", { role: "alert" }, error.message)));
  }
})();
