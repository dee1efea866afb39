/* The table of papers: search, filters and order, all of it kept in the address. Text only ever becomes text nodes. */
(() => {
  "use strict";

  const root = document.getElementById("kb-table");
  const papers = window.readrunPapers;
  if (!root || !papers) return;

  const PAGE = 50;
  const STATUSES = ["unread", "reading", "read"];
  const LABEL = { unread: "Unread", reading: "Reading", read: "Read" };
  const fold = (s) => String(s).normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  papers.forEach((p, i) => {
    p.order = i;
    p.authors ||= []; p.tags ||= []; p.venue ||= ""; p.year ||= 0; p.added ||= ""; p.read ||= "";
    p.folded = p.tags.map(fold);
  });

  /* ---- state: what the address says ---- */

  const blank = () => ({ q: "", status: "", year: "", venue: "", author: "", tags: [], code: false, impl: false, sort: "" });
  let state = blank();
  let shown = PAGE;

  const read = () => {
    const from = new URLSearchParams(location.hash.slice(1));
    const next = blank();
    for (const name of ["q", "status", "year", "venue", "author", "sort"]) next[name] = from.get(name) || "";
    next.tags = [...new Set(from.getAll("tag"))].filter(Boolean);
    next.code = from.has("code");
    next.impl = from.has("impl");
    if (!Object.hasOwn(SORTS, next.sort.replace(/^-/, ""))) next.sort = "";
    return next;
  };

  const address = () => {
    const to = new URLSearchParams();
    for (const name of ["q", "status", "year", "venue", "author"]) if (state[name]) to.set(name, state[name]);
    for (const tag of state.tags) to.append("tag", tag);
    if (state.code) to.set("code", "1");
    if (state.impl) to.set("impl", "1");
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
      const got = index.ofPapers(text);
      if (state.q.trim() === text) answer = { text, ...got, rank: new Map(got.found.map((i, rank) => [i, rank])), said: window.readrunSaid(got) };
    } catch (error) {
      if (state.q.trim() === text) answer = { ...(answer || { found: null, rank: null }), text, said: error.message };
    }
    render();
  };

  const tests = () => {
    const tags = state.tags.map(fold);
    const venue = fold(state.venue), author = fold(state.author);
    return {
      q: (p) => !state.q.trim() || !answer?.rank || answer.rank.has(p.order),
      status: (p) => !state.status || p.status === state.status,
      year: (p) => !state.year || String(p.year) === state.year,
      venue: (p) => !venue || fold(p.venue) === venue,
      author: (p) => !author || p.authors.some((a) => fold(a) === author),
      tags: (p) => tags.every((t) => p.folded.includes(t)),
      code: (p) => !state.code || Boolean(p.code),
      impl: (p) => !state.impl || Boolean(p.impl),
    };
  };

  const SORTS = {
    title: (p) => p.title,
    author: (p) => p.sort || "",
    year: (p) => p.year,
    venue: (p) => p.venue,
    tags: (p) => p.tags[0] || "",
    status: (p) => STATUSES.indexOf(p.status),
    added: (p) => p.added,
    read: (p) => p.read,
  };
  const SORT_LABEL = {
    title: "Title", author: "First author", year: "Year", venue: "Venue", tags: "Tag", status: "Status",
    added: "Date added", read: "Date read",
  };
  const NEWEST_FIRST = new Set(["year", "added", "read", "status"]);

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

  const count = (list, values) => {
    const counts = new Map();
    for (const p of list) for (const v of values(p)) if (v) counts.set(v, (counts.get(v) || 0) + 1);
    return counts;
  };

  /* ---- elements ---- */

  const el = (name, attributes, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value === true) node.setAttribute(key, "");
      else if (value !== false && value != null) node.setAttribute(key, value);
    }
    node.append(...children.filter((c) => c !== "" && c != null));
    return node;
  };
  const hashFor = (name, value) => "#" + new URLSearchParams([[name, value]]);
  const web = (url) => (/^https?:\/\//i.test(url || "") ? url : "");

  const search = el("input", {
    id: "kb-q", type: "search", placeholder: "Words, author:…, year:2021..2023, tag:…", autocomplete: "off",
    spellcheck: "false", "aria-label": "Filter papers", "aria-keyshortcuts": "/", enterkeyhint: "search",
    oninput: () => update({ q: search.value }, true),
    onkeydown: (event) => { if (event.key === "Escape" && search.value) update({ q: "" }, true); },
  });
  const select = (name, label) => el("select", {
    "aria-label": label,
    onchange: (event) => update(name === "tags" ? { tags: [...state.tags, event.target.value] } : { [name]: event.target.value }),
  });
  const selects = { year: select("year", "Year"), tags: select("tags", "Tag"), venue: select("venue", "Venue") };
  const sort = select("sort", "Sort by");
  const segments = el("div", { class: "kb-segments", role: "group", "aria-label": "Status" });
  const code = el("button", { type: "button", class: "kb-pill", onclick: () => update({ code: !state.code }) });
  const impl = el("button", { type: "button", class: "kb-pill kb-impl-only", onclick: () => update({ impl: !state.impl }) });
  impl.hidden = !papers.some((p) => p.impl);
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

  root.append(
    el("div", { class: "kb-controls", role: "search", "aria-label": "Papers" },
      el("div", { class: "kb-q" }, search, el("kbd", { "aria-hidden": "true" }, "/")),
      el("div", { class: "kb-filters" }, segments, selects.year, selects.tags, selects.venue, code, impl, sort)),
    el("div", { class: "kb-now" }, result, chips), table, none, more);

  /* ---- rendering ---- */

  const COLUMNS = [["title", "Paper"], ["year", "Year"], ["venue", "Venue"], ["tags", "Tags"], ["status", "Status"], ["added", "Added"]];
  const heads = COLUMNS.map(([name, label]) => {
    const button = el("button", { type: "button", onclick: () => {
      const first = NEWEST_FIRST.has(name) ? "-" + name : name;
      const other = first.startsWith("-") ? name : "-" + name;
      update({ sort: state.sort === first ? other : state.sort === other ? "" : first });
    } }, label);
    const cell = el("th", { scope: "col", class: "kb-col-" + name }, button);
    head.append(cell);
    return [name, cell];
  });

  const fill = (node, all, entries, chosen) => {
    node.replaceChildren(el("option", { value: "" }, all),
      ...entries.map(([value, n]) => el("option", { value }, n === undefined ? value : `${value} (${n})`)));
    node.value = chosen;
    node.classList.toggle("kb-on", Boolean(chosen));
    node.disabled = !entries.length;
  };

  const facets = (checks) => {
    const except = (name) => papers.filter((p) => Object.keys(checks).every((k) => k === name || checks[k](p)));
    const withChosen = (counts, chosen) => (chosen && !counts.has(chosen) ? counts.set(chosen, 0) : counts);
    const byCount = ([a, n], [b, m]) => m - n || collator.compare(a, b);
    const years = withChosen(count(except("year"), (p) => [p.year ? String(p.year) : ""]), state.year);
    fill(selects.year, "Any year", [...years].sort(([a], [b]) => b - a), state.year);
    const venues = withChosen(count(except("venue"), (p) => [p.venue]), state.venue);
    fill(selects.venue, "Any venue", [...venues].sort(byCount), state.venue);
    const chosen = new Set(state.tags.map(fold));
    const tags = [...count(except(""), (p) => p.tags)].filter(([t]) => !chosen.has(fold(t)));
    fill(selects.tags, state.tags.length ? "And tag…" : "Any tag", tags.sort(byCount), "");

    const all = except("status"), statuses = count(all, (p) => [p.status]);
    segments.replaceChildren(...[["", "All", all.length], ...STATUSES.map((s) => [s, LABEL[s], statuses.get(s) || 0])].map(
      ([value, label, n]) => el("button", {
        type: "button", "data-status": value, "aria-pressed": String(state.status === value), onclick: () => update({ status: value }),
      }, label, " ", el("span", {}, n.toLocaleString("en")))));
    const coded = except("code").filter((p) => p.code).length;
    code.replaceChildren("Has code ", el("span", {}, coded.toLocaleString("en")));
    code.setAttribute("aria-pressed", String(state.code));
    const run = except("impl").filter((p) => p.impl).length;
    impl.replaceChildren("Has implementation ", el("span", {}, run.toLocaleString("en")));
    impl.setAttribute("aria-pressed", String(state.impl));
  };

  const drawChips = () => {
    const chip = (label, value, change) => el("li", {}, el("button", {
      type: "button", "aria-label": `Remove filter ${label} ${value}`, onclick: () => update(change),
    }, el("small", {}, label), " ", value, el("span", { "aria-hidden": "true" }, "×")));
    const list = state.tags.map((tag) => chip("tag", tag, { tags: state.tags.filter((t) => t !== tag) }));
    if (state.author) list.unshift(chip("author", state.author, { author: "" }));
    if (address().replace(/(^|&)sort=[^&]*/, "")) {
      list.push(el("li", {}, el("button", { type: "button", class: "kb-clear", onclick: () => update({ ...blank(), sort: state.sort }) }, "Clear filters")));
    }
    chips.replaceChildren(...list);
    chips.hidden = !list.length;
  };

  const marked = (text) => (state.q.trim() && answer?.marks ? window.readrunFind.marked(text, answer.marks) : [text]);
  const row = (p) => {
    const authors = p.authors.length > 3 ? `${p.authors[0]}, ${p.authors[1]} and ${p.authors.length - 2} others` : p.authors.join(", ");
    const links = [["Paper", p.paper], ["Code", p.code]].filter(([, url]) => web(url))
      .map(([name, url]) => el("a", { class: "kb-out", href: url, rel: "noopener noreferrer", "aria-label": `${name} of ${p.title}` }, name));
    if (p.impl) links.push(el("a", { class: "kb-out", href: `papers/${p.slug}.html#implementation`, "aria-label": `Implementation of ${p.title}` }, "Implementation"));
    const tags = p.tags.map((t) => el("a", { href: hashFor("tag", t), "data-tag": t }, t));
    return el("tr", {},
      el("td", { class: "kb-col-title" },
        el("a", { class: "kb-title", href: `papers/${p.slug}.html` }, ...marked(p.title)),
        el("span", { class: "kb-sub" }, el("span", {}, authors), ...links)),
      el("td", { class: "kb-col-year" }, p.year ? String(p.year) : ""),
      el("td", { class: "kb-col-venue" }, p.venue),
      el("td", { class: "kb-col-tags" }, ...tags),
      el("td", { class: "kb-col-status" }, el("span", { class: "kb-status kb-status--" + p.status }, LABEL[p.status] || p.status),
        p.read ? el("time", { datetime: p.read }, p.read) : ""),
      el("td", { class: "kb-col-added" }, p.added ? el("time", { datetime: p.added }, p.added) : ""));
  };

  const render = () => {
    ask();
    const checks = tests();
    const found = ordered(papers.filter((p) => Object.values(checks).every((check) => check(p))));
    if (search.value !== state.q) search.value = state.q;
    facets(checks);
    drawChips();
    const key = state.sort.replace(/^-/, "");
    for (const [name, cell] of heads) {
      if (name === key) cell.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    const sorts = Object.keys(SORTS).map((name) => (NEWEST_FIRST.has(name) ? "-" + name : name));
    if (state.sort && !sorts.includes(state.sort)) sorts.push(state.sort);
    sort.replaceChildren(el("option", { value: "" }, state.q.trim() ? "Best match" : "In list order"), ...sorts.map((value) => {
      const turned = NEWEST_FIRST.has(value.replace(/^-/, "")) !== value.startsWith("-");
      return el("option", { value }, "By " + SORT_LABEL[value.replace(/^-/, "")].toLowerCase() + (turned ? ", reversed" : ""));
    }));
    sort.value = state.sort;
    sort.classList.toggle("kb-on", Boolean(state.sort));
    body.replaceChildren(...found.slice(0, shown).map(row));
    const n = (x) => x.toLocaleString("en");
    result.textContent = found.length === papers.length ? `${n(papers.length)} ${papers.length === 1 ? "paper" : "papers"}` : `${n(found.length)} of ${n(papers.length)} papers`;
    if (state.q.trim() && answer?.said) result.textContent += ` · ${answer.said}`;
    table.hidden = !found.length;
    none.hidden = Boolean(found.length) || !papers.length;
    more.hidden = found.length <= shown;
    more.textContent = `Show ${Math.min(PAGE, found.length - shown)} more of ${n(found.length - shown)}`;
  };

  body.addEventListener("click", (event) => {
    const tag = event.target.closest("[data-tag]");
    if (!tag || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!state.tags.includes(tag.dataset.tag)) update({ tags: [...state.tags, tag.dataset.tag] });
  });

  const typingIn = (node) => node instanceof Element && node.closest("input, textarea, select, [contenteditable]");
  window.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typingIn(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    search.focus();
    search.select();
  }, true);

  const follow = () => { state = read(); shown = PAGE; render(); };
  window.addEventListener("popstate", follow);
  window.addEventListener("hashchange", follow);
  follow();
})();
