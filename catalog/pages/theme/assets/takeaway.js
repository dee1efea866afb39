/* What can be taken away from the table: the view as .bib, RIS, CSV, JSON and Markdown, a citation, and Zotero's marks. */
(() => {
  "use strict";

  const { el, fetched } = window.readrunFind;
  const COLUMNS = ["key", "title", "authors", "year", "venue", "status", "added", "read", "tags", "paper", "code"];

  /* Entries, RIS records and citations come in parts, each fetched when one of its papers is asked for. */
  const parts = new Map();
  window.readrunPart = (number, styles, records) => parts.set(number, records);
  const partOf = (page) => [...page].reduce((said, letter) => (31 * said + letter.charCodeAt()) & 0xffffff, 0) % window.readrunParts;
  const records = async (papers) => {
    const wanted = new Set(papers.map((p) => partOf(p.slug)));
    await Promise.all([...wanted].filter((n) => !parts.has(n)).map((n) => fetched(`export/${n}.js`)));
    return papers.map((p) => parts.get(partOf(p.slug))[p.slug]);
  };

  const inert = (cell) => (/^[\t\r\n]|^\s*[=+\-@＝＋－＠]/.test(cell) ? "'" + cell : cell);
  const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const cells = (p) => COLUMNS.map((name) => String(Array.isArray(p[name]) ? p[name].join("; ") : p[name] || ""));
  const plainMarkdown = (text) => String(text).replace(/[\\`*_{}[\]<>#|~]/g, "\\$&").replace(/\s+/g, " ");
  const line = (p) => {
    const title = plainMarkdown(p.title), link = p.paper ? `[${title}](<${p.paper.replace(/[<>\s]/g, encodeURIComponent)}>)` : title;
    return `- ${[link, plainMarkdown(p.authors.join(", ")), plainMarkdown(p.venue), p.year || ""].filter(Boolean).join(". ")}`;
  };
  const FORMATS = {
    bib: ["BibTeX", async (papers) => (await records(papers)).map((r) => r[0]).filter(Boolean).join("\n\n") + "\n"],
    ris: ["RIS", async (papers) => (await records(papers)).map((r) => r[1]).join("")],
    csv: ["CSV", async (papers) => [COLUMNS, ...papers.map(cells)].map((row) => row.map(inert).map(quoted).join(",")).join("\r\n") + "\r\n"],
    json: ["JSON", async (papers) => JSON.stringify(papers.map((p) => Object.fromEntries(COLUMNS.filter((n) => p[n]).map((n) => [n, p[n]]))), null, 2) + "\n"],
    md: ["Markdown", async (papers) => papers.map(line).join("\n") + "\n"],
  };

  const save = (name, text) => {
    const link = el("a", { href: URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  /* The button of the table: `view` gives the papers that are shown, in their order. */
  window.readrunExport = (view, say) => el("details", { class: "kb-menu kb-menu--end", name: "kb-menu" },
    el("summary", {}, "Export this view"),
    el("div", { class: "kb-menu__panel" }, ...Object.entries(FORMATS).map(([ending, [name, make]]) => el("button", {
      type: "button", class: "kb-menu__item", onclick: async (event) => {
        const papers = view();
        event.target.closest("details").open = false;
        try {
          save(`papers.${ending}`, await make(papers));
          say(`${papers.length} ${papers.length === 1 ? "paper" : "papers"} saved as ${name}`);
        } catch { say("The data could not be loaded."); }
      },
    }, name, " ", el("small", {}, `.${ending}`)))));

  window.readrunCitation = async (paper) => (await records([paper]))[0][3];

  /* COinS, which Zotero's connector and other tools read: one empty mark for each row. */
  window.readrunCoins = (p) => {
    const said = new URLSearchParams([
      ["ctx_ver", "Z39.88-2004"], ["rft_val_fmt", "info:ofi/fmt:kev:mtx:journal"], ["rft.genre", "article"],
      ["rft.atitle", p.title], ["rft.jtitle", p.venue], ...(p.named || p.authors).map((name) => ["rft.au", name]), ["rft.date", String(p.year || "")],
      ["rft_id", p.doi ? `info:doi/${p.doi}` : ""], ["rft_id", p.paper || ""],
    ].filter(([, value]) => value));
    return el("span", { class: "Z3988", title: said.toString() });
  };
})();
