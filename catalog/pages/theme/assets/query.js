/* The query language of `kb search`, for the site: text in, a tree out. Held to the same answers by shared tests.
   A node is {words, prefix, column, also} or {is|from|contains} or {all|any: [nodes]} or {not: node}. */
(() => {
  "use strict";

  const BEYOND = "\u{10ffff}";
  const MAP = { ø: "o", ł: "l", đ: "d", ð: "d", ħ: "h", ı: "i", ŧ: "t", ƀ: "b", ɨ: "i", ʉ: "u", æ: "ae", œ: "oe", þ: "th", ĸ: "k", ŋ: "n", ß: "ss", ς: "σ" };
  const GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho final sigma tau upsilon phi chi psi omega".split(" ");
  const IDEOGRAPH = /[\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\u{20000}-\u{3ffff}]/u;
  const SIGNS = { "++": "plusplus", "#": "sharp" };

  /* As catalog.search.fold.fold: lower case, no diacritics, signs of Chinese, Japanese and Korean apart. */
  const fold = (text) => {
    const signed = text.toLowerCase().replace(/(?<=[a-z0-9])\^\{?(?=[a-z0-9])/g, "").replace(/(?<![a-z0-9])([cf])(\+\+|#)(?![a-z0-9])/g, (_, letter, sign) => letter + SIGNS[sign]);
    if (/^[\x00-\x7f]*$/.test(signed)) return signed;
    return signed.normalize("NFKD").replace(/(?![\u3099\u309a])\p{M}/gu, "").normalize("NFC").toLowerCase()
      .replace(/[\u00ad\u200b\u200c\u200d\u2060\ufeff]/g, "").replace(/[øłđðħıŧƀɨʉæœþĸŋßς]/g, (c) => MAP[c])
      .replace(/[^\p{L}\p{N}]+/gu, " ").replace(new RegExp(IDEOGRAPH, "gu"), " $& ")
      .replace(/(?<![\u0370-\u03ff])[\u03b1-\u03c9](?![\u0370-\u03ff])/gu, (c) => ` ${GREEK[c.charCodeAt(0) - 0x3b1]} `);
  };
  const tokens = (text) => fold(text).match(/[\p{L}\p{N}]+/gu) || [];
  const slug = (tag) => {
    const folded = tag.normalize("NFKC").toLowerCase();
    return folded.replace(/[^\p{L}\p{N}_+#.]+/gu, "-").replace(/^-+|-+$/g, "") || folded;
  };

  const fail = (message) => { throw new SyntaxError(message); };
  const distinct = (nodes) => [...new Map(nodes.map((node) => [JSON.stringify(node), node])).values()];
  const anyOf = (nodes) => (distinct(nodes).length === 1 ? nodes[0] : { any: distinct(nodes) });
  const starting = (name, prefix) => ({ from: name, low: prefix, high: prefix + BEYOND });
  const words = (text, quoted, column = "") => {
    const found = tokens(text);
    return found.length ? { words: found, prefix: !quoted && !IDEOGRAPH.test(found.at(-1)), column, also: [] } : null;
  };

  /* ---- fields ---- */

  /* Name, what goes before its groups, and pattern: they come with the index. An ISBN is without its last digit. */
  let identifiers = [];
  const identified = (text) => {
    const known = new Map();
    for (const [name, before, pattern] of identifiers) {
      const found = pattern.exec(text);
      if (found) known.set(name, (before + found.slice(1).join("")).toLowerCase());
    }
    return known;
  };
  const hasId = (name, value) => (["arxiv", "doi", "isbn"].includes(name) ? starting(name, value) : { is: name, value });
  const prose = (column) => (text, quoted) => words(text, quoted, column) || fail(`“${text}” has no letter and no digit; write a word`);
  const author = (text, quoted) => {
    const comma = quoted ? text.indexOf(",") : -1;
    return prose("authors")(comma < 0 ? text : `${text.slice(comma + 1)} ${text.slice(0, comma)}`, quoted);
  };
  const stem = (text, quoted) => (text.endsWith("*") && !quoted ? text.slice(0, -1) : null);
  const whole = (name) => (text, quoted) => (stem(text, quoted) === null ? { is: name, value: text.trim().toLowerCase() } : starting(name, stem(text).toLowerCase()));
  const identifier = (name) => (text, quoted) => {
    const start = stem(text, quoted), said = (start ?? text).trim();
    const value = identified(said).get(name) ?? said.toLowerCase();
    if (quoted && name !== "isbn") return { is: name, value };
    return start === null ? hasId(name, value) : starting(name, value);
  };
  const YEAR = [/^[0-9]{4}$/, "a year; write 2021, 2021..2023, 2021.. or >=2021"];
  const DATE = [/^[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?$/, "a date; write 2026, 2026-01, 2026-01-31 or a range 2026-01..2026-03"];
  const span = (name, [pattern, hint]) => (text) => {
    const point = (value) => (pattern.test(value) ? value : fail(`“${value}” is not ${hint}`));
    const compared = /^(>=|<=|>|<)([\s\S]*)$/.exec(text);
    if (compared) {
      const [, sign, value] = compared;
      if (sign[0] === ">") return { from: name, low: point(value) + (sign === ">" ? BEYOND : ""), high: BEYOND };
      return { from: name, low: "", high: point(value) + (sign === "<" ? "" : BEYOND) };
    }
    const dots = text.indexOf("..");
    if (dots < 0) return starting(name, point(text));
    const low = text.slice(0, dots), high = text.slice(dots + 2);
    if (!low && !high) fail("the range has no ends; write a start, an end or both");
    const range = { from: name, low: low && point(low), high: high ? point(high) + BEYOND : BEYOND };
    return range.low >= range.high ? fail(`the range ${text} ends before it starts; write ${high}..${low}`) : range;
  };
  const SAME = { links: "link", tags: "tag", tutorials: "tutorial", implementation: "impl" };
  const FIELDS = {
    abstract: prose("abstract"), author, notes: prose("notes"), title: prose("title"), venue: prose("venue"),
    added: span("added", DATE), due: span("due", DATE), read: span("read", DATE), year: span("year", YEAR),
    arxiv: identifier("arxiv"), doi: identifier("doi"), isbn: identifier("isbn"), pmid: identifier("pmid"),
    has: (text) => { const name = text.trim().toLowerCase(); return { is: "has", value: SAME[name] || name }; },
    in: (text) => fail(text.toLowerCase() === "pdf" ? "in:pdf looks into the PDFs beside the papers, which a site does not hold; ask kb search"
      : `“${text}” is no place to look in; write in:pdf`),
    key: (text, quoted) => (quoted || stem(text) !== null ? whole("key")(text, quoted) : { contains: "key", value: text.toLowerCase() }),
    link: (text) => ({ contains: "link", value: text.toLowerCase() }),
    "read-by": (text, quoted) => {
      const name = text.trim().toLowerCase();
      if (name === "me") return { is: "status", value: "read" };
      return name === "nobody" ? { not: starting("read-by", "") } : whole("read-by")(text, quoted);
    },
    status: (text) => (/^(?:unread|reading|read)$/i.test(text) ? { is: "status", value: text.toLowerCase() }
      : fail(`“${text}” is not a status; write unread, reading or read`)),
    tag: (text, quoted) => (stem(text, quoted) === null ? { is: "tag", value: slug(text) } : starting("tag", slug(stem(text) + "x").slice(0, -1))),
    type: whole("type"),
  };

  /* A word that stands alone: its tokens; a year or an identifier is that as well, an address a link's. */
  const bare = (text) => {
    const found = words(text, false);
    if (!found) return null;
    const plain = text.replace(/^[,;.]+|[,;.]+$/g, "");
    const isYear = /^(?:1[0-9]{3}|20[0-9]{2})$/.test(plain);
    const address = /^(?:https?:\/\/)?(?:www\.)?((?:[\p{L}\p{N}_-]+\.)+[a-z]{2,}(?::[0-9]+)?\/\S*[^\s/])\/?$/iu.exec(plain);
    const known = identified(plain);
    if (known.has("arxiv")) known.delete("doi");
    const meant = known.has("arxiv") || known.has("doi") ? [] : [found];
    if (isYear) meant.push({ is: "year", value: plain });
    for (const [name, value] of known) meant.push(hasId(name, value));
    if (known.has("doi")) meant.push({ contains: "link", value: known.get("doi") });
    if (address) meant.push({ contains: "link", value: address[1].toLowerCase() });
    return anyOf(meant);
  };

  /* ---- reading ---- */

  const pairsOf = (text) => {
    const pairs = new Map();
    let open = [];
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      if (char === "(") open.push(at);
      else if (char === ")" && open.length) pairs.set(open.pop(), at);
      else if (char === '"' || /\s/.test(char)) open = [];
    }
    return pairs;
  };
  const find = (pattern, text, at) => {
    const found = text.slice(at).search(pattern);
    return found < 0 ? text.length : at + found;
  };
  const quoted = (text, at) => {
    const end = text.indexOf('"', at + 1);
    return end < 0 ? fail('a " is not closed; add another or remove it') : [text.slice(at + 1, end), end + 1];
  };
  const until = (text, at, pairs) => {
    let end = find(/[\s()",]/, text, at);
    while (pairs.has(end)) end = find(/[\s()",]/, text, pairs.get(end) + 1);
    return [text.slice(at, end), end];
  };
  const field = (text, at, name, pairs) => {
    const nodes = [];
    for (;;) {
      const isQuoted = text[at] === '"';
      let value;
      [value, at] = isQuoted ? quoted(text, at) : until(text, at, pairs);
      if (value.trim()) nodes.push(FIELDS[name](value, isQuoted));
      if (text[at] !== ",") break;
      at += 1;
    }
    return nodes.length ? [anyOf(nodes), at] : fail(`${name}: needs a value right after the colon`);
  };
  const term = (text, at, pairs) => {
    if (text[at] === '"') {
      const [phrase, end] = quoted(text, at);
      return [words(phrase, true), end];
    }
    const name = /^(read-by|[A-Za-z]+):/i.exec(text.slice(at));
    if (name && Object.hasOwn(FIELDS, name[1].toLowerCase())) return field(text, at + name[0].length, name[1].toLowerCase(), pairs);
    if (name && !/^(?:\s|\)|\/\/|$)/.test(text.slice(at + name[0].length))) {
      fail(`no field is called “${name[1]}”. Known are ${Object.keys(FIELDS).sort().join(", ")}. To search for the text, put it in "…"`);
    }
    const end = find(/[\s()"]/, text, at);
    const [word, stop] = /^(?:https?:\/\/|10\.[0-9]{4})/.test(text.slice(at)) ? until(text, at, pairs) : [text.slice(at, end), end];
    return ["AND", "OR", "NOT"].includes(word) ? [word, stop] : [bare(word), stop];
  };

  const joined = (kind, parts) => {
    const asked = distinct(parts.filter(Boolean));
    return asked.length < 2 ? asked[0] || null : { [kind]: asked };
  };
  const close = (group) => {
    if (group.waiting) fail(`${group.waiting} has nothing after it; to search for the word, quote it`);
    if (group.inner && !group.alternatives.at(-1).length) fail("nothing between the parentheses; remove them");
    return joined("any", group.alternatives.map((parts) => joined("all", parts)));
  };
  const add = (group, node) => {
    if (node && group.negate) node = node.not || { not: node };
    group.alternatives.at(-1).push(node);
    group.negate = false;
    group.waiting = "";
  };

  const parse = (text, known) => {
    identifiers = known;
    if (text.length > 10000) fail("the query is too long");
    const pairs = pairsOf(text);
    const open = (inner, negated) => ({ inner, negated, alternatives: [[]], waiting: "", negate: false });
    const groups = [open(false)];
    for (let at = 0; at < text.length;) {
      const group = groups.at(-1), char = text[at];
      if (/\s/.test(char)) at += 1;
      else if (char === "(") {
        if (groups.length > 100) fail("parentheses more than 100 deep; write the query flatter");
        groups.push(open(true, group.negate));
        at += 1;
      } else if (char === ")") {
        if (groups.length === 1) fail("a ) was not opened; remove it or quote the text");
        const node = close(groups.pop());
        add(groups.at(-1), node);
        at += 1;
      } else {
        let node = "NOT";
        if (/^-[^\s)]/.test(text.slice(at, at + 2))) at += 1;
        else [node, at] = term(text, at, pairs);
        if (typeof node !== "string") { add(group, node); continue; }
        if (node === "NOT") group.negate = !group.negate;
        else if (group.waiting || !group.alternatives.at(-1).length) fail(`${node} has nothing before it; to search for the word, quote it`);
        else if (node === "OR") group.alternatives.push([]);
        group.waiting = node;
      }
    }
    if (groups.length > 1) fail("a ( is not closed; add ) or quote the text");
    return close(groups[0]) || (text.trim() ? fail("nothing to search for: no letter and no digit") : null);
  };

  window.readrunQuery = { parse, fold, tokens };
})();
