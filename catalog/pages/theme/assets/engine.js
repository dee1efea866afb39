/* Finding papers, in the browser as on the command line: the same words, forms, typos and order.
   `readrunEngine(index)` takes {language, papers: [{key, year, added, columns: [folded text], facts: [[name, value]]}]}. */
(() => {
  "use strict";

  const COLUMNS = ["key", "title", "authors", "tags", "venue", "abstract", "notes", "told", "taught"];
  const WEIGHTS = [10, 10, 6, 5, 3, 2, 1, 0.5, 0.5];
  const RANKING = new Set(["", "title", "abstract", "notes"]);
  const NAMED = "key title authors tags";
  const OWN = `${NAMED} venue abstract notes`;
  const PROPER = `${OWN} told`; // all columns but that of notebooks
  const [K1, B, AT_ONCE, MOST_FORMS, MOST_TYPOS, LONGEST] = [1.2, 0.75, 50, 40, 5, 6];
  const [ENOUGH, LEAST, FEW, SHARE, HEAD, ALIKE, LESS, QUESTION, PAIR] = [0.6, 0.3, 3, 0.2, 1.2, 0.7, 0.5, 4, 2]; // see catalog.search.evaluate
  const PLACE = 2 ** 20; // of a token: (paper * columns + column) * PLACE + position
  const columnOf = (place) => Math.floor(place / PLACE) % COLUMNS.length;
  const paperOf = (place) => Math.floor(place / PLACE / COLUMNS.length);

  /* ---- stems: the rules come with the index ---- */

  const stemmer = ({ irregular, conditions, steps }) => {
    const known = Object.fromEntries(Object.entries(conditions).map(([name, pattern]) => [name, new RegExp(pattern)]));
    const cache = new Map();
    const apply = (word) => {
      if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
      if (Object.hasOwn(irregular, word)) return irregular[word];
      for (const step of steps) {
        for (const [suffix, now, condition] of step) {
          if (!word.endsWith(suffix)) continue;
          const rest = word.slice(0, word.length - suffix.length);
          if (condition && !known[condition].test(rest)) continue;
          word = now === "-" ? rest.slice(0, -1) : rest + now;
          break;
        }
      }
      return word;
    };
    return (word) => {
      if (!cache.has(word)) cache.set(word, apply(word));
      return cache.get(word);
    };
  };

  /* Abbreviations and words of one meaning: see catalog.search.synonyms. */
  const synonyms = ({ same, alike }, stem) => {
    const stems = (words) => words.map(stem).join(" ");
    const full = new Map(Object.entries(same).map(([name, texts]) => [name, texts.map((text) => text.split(" "))]));
    const short = new Map([...full].flatMap(([name, texts]) => texts.map((words) => [stems(words), name])));
    const others = new Map();
    for (const group of alike.map((words) => words.split(" "))) {
      for (const root of new Set(group.map(stem))) {
        const more = group.filter((word) => stem(word) !== root);
        others.set(root, [...new Set([...(others.get(root) || []), ...more])]);
      }
    }
    return {
      standsFor: (token) => full.get(token) || full.get(token.replace(/s$/, "")) || [],
      shortFor: (words) => short.get(stems(words)),
      alike: (token) => others.get(stem(token)) || [],
    };
  };

  /* Slips of the finger between two words (optimal string alignment), or Infinity beyond `most`. */
  const slips = (a, b, most) => {
    if (Math.abs(a.length - b.length) > most) return Infinity;
    let before = [], last = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const now = [i];
      for (let j = 1; j <= b.length; j++) {
        const differs = a[i - 1] !== b[j - 1];
        now[j] = Math.min(last[j] + 1, now[j - 1] + 1, last[j - 1] + differs);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) now[j] = Math.min(now[j], before[j - 2] + 1);
      }
      if (Math.min(...now) > most) return Infinity;
      [before, last] = [last, now];
    }
    return last[b.length] <= most ? last[b.length] : Infinity;
  };

  /* Which words there are, and where, and what fields hold, of papers that are here whole. */
  const wholeIndex = (papers) => {
    const places = new Map(), facts = new Map();
    const lengths = papers.map((paper, i) => {
      let length = 0;
      paper.columns.forEach((text, column) => {
        const found = text.split(/[\x00-\x2f\x3a-\x60\x7b-\x7f]+/).filter(Boolean);
        found.forEach((token, at) => {
          const place = (i * COLUMNS.length + column) * PLACE + at;
          const there = places.get(token);
          if (there) there.push(place);
          else places.set(token, [place]);
        });
        length += found.length;
      });
      for (const [name, value] of paper.facts) {
        if (!facts.has(name)) facts.set(name, []);
        facts.get(name).push([value, i]);
      }
      return length;
    });
    const vocabulary = [...places.keys()].sort();
    const starting = (prefix) => {
      let low = 0, high = vocabulary.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (vocabulary[middle] < prefix) low = middle + 1;
        else high = middle;
      }
      let end = low;
      while (end < vocabulary.length && vocabulary[end].startsWith(prefix)) end += 1;
      return vocabulary.slice(low, end);
    };
    return {
      papers, lengths, starting, settle: () => {}, words: () => vocabulary,
      places: (word) => places.get(word) || [], facts: (name) => facts.get(name) || [],
      holders: (word) => new Set((places.get(word) || []).map(paperOf)).size,
    };
  };

  /* Of papers, or of an `index` of them, some of which may have to be loaded first (shards.js). */
  window.readrunEngine = ({ language, papers: whole, index = wholeIndex(whole) }) => {
    const { papers, lengths, places, starting, settle } = index;
    const stem = stemmer(language);
    const { standsFor, shortFor, alike } = synonyms(language, stem);
    const stopwords = new Set(language.stopwords);
    const identifiers = language.identifiers.map(([name, before, pattern]) => [name, before, new RegExp(`^(?:${pattern})$`, "i")]);
    const every = new Set(papers.keys());
    const average = lengths.reduce((a, b) => a + b, 0) / Math.max(1, papers.length);

    /* ---- what a reader means by a word: see catalog.search.widen ---- */

    const familyPrefix = (token) => {
      const root = stem(token);
      let shared = 0;
      while (shared < Math.min(root.length, token.length) && root[shared] === token[shared]) shared += 1;
      return token.slice(0, Math.max(Math.min(3, token.length), Math.min(shared, root.length - 2, 6)));
    };
    const family = (token) => starting(familyPrefix(token)).filter((word) => stem(word) === stem(token)).slice(0, MOST_FORMS);
    const withAll = (token) => [...new Set([...starting(token).slice(0, 1), ...family(token)])];
    const also = (words, more) => {
      const there = new Map([...words.also, ...more].map((phrase) => [phrase.join(" "), phrase]));
      return { ...words, also: [...there.values()] };
    };
    const isBare = (node) => Boolean(node.words && node.prefix && node.words.length === 1);
    const eachWord = (node, change) => {
      if (!node) return node;
      if (node.words) return change(node);
      if (node.not) return { not: eachWord(node.not, change) };
      for (const kind of ["all", "any"]) if (node[kind]) return { [kind]: node[kind].map((part) => eachWord(part, change)) };
      return node;
    };
    const joined = (root) => {
      if (!root?.all) return root;
      const parts = [...root.all];
      for (let count = 2; count <= LONGEST; count++) {
        for (let at = 0; at + count <= parts.length; at++) {
          const run = parts.slice(at, at + count);
          const short = run.every(isBare) && shortFor(run.map(({ words }) => words[0]));
          if (short) parts.splice(at, count, ...run.map((words) => also(words, [[short], [`${short}s`]])));
        }
      }
      for (let at = 0; at + 1 < parts.length; at++) {
        const [left, right] = [parts[at], parts[at + 1]];
        if (!isBare(left) || !isBare(right) || left.column !== right.column) continue;
        const one = withAll(left.words[0] + right.words[0]).map((word) => [word]);
        parts[at] = also(left, one);
        parts[at + 1] = also(right, one);
      }
      return { all: parts };
    };
    const forms = ({ words }) => {
      const before = words.slice(0, -1), last = words.at(-1), one = words.join("");
      const found = family(last).filter((word) => !word.startsWith(last)).map((word) => [...before, word]);
      if (!before.length) for (const full of standsFor(last)) found.push(...family(full.at(-1)).map((word) => [...full.slice(0, -1), word]));
      const measure = /^([0-9]+)([a-z]+)$/.exec(words.length === 1 ? last : "");
      if (measure) found.push([measure[1], measure[2]], ...family(measure[2]).map((unit) => [measure[1], unit]));
      if (before.length && /^[\x00-\x7f]*$/.test(one)) found.push(...withAll(one).map((word) => [word]));
      return found;
    };
    const widened = (root) => eachWord(joined(root), (words) => (words.prefix ? also(words, forms(words)) : words));
    const related = (part) => (isBare(part) && !["authors", "venue"].includes(part.column) ? alike(part.words[0]).flatMap(family) : []);
    const fewestSlips = (token, most, compared) => {
      const away = new Map();
      for (const [part, word] of compared) {
        const found = /^\p{L}+$/u.test(word) ? slips(token, part, most) : Infinity;
        if (found <= most) away.set(word, Math.min(found, away.get(word) ?? Infinity));
      }
      const best = Math.min(...away.values());
      return [...away].filter(([, found]) => found === best).map(([word]) => [index.holders(word), word])
        .sort((a, b) => b[0] - a[0] || (a[1] < b[1] ? -1 : 1)).map(([, word]) => word).slice(0, MOST_TYPOS);
    };
    const near = (token) => {
      const size = [...token].length;
      const most = size < 5 ? 0 : size < 9 ? 1 : 2;
      if (!most || !/^\p{L}+$/u.test(token)) return [];
      const vocabulary = index.words(), sameStart = vocabulary.filter((word) => word.startsWith([...token][0]));
      for (const words of [sameStart, vocabulary]) {
        const found = fewestSlips(token, most, words.map((word) => [word, word]));
        if (found.length) return found;
      }
      const begun = sameStart.filter((word) => [...word].length > size + most);
      const sizes = Array.from({ length: 2 * most + 1 }, (_, i) => size - most + i);
      return fewestSlips(token, most, begun.flatMap((word) => sizes.map((n) => [[...word].slice(0, n).join(""), word])));
    };
    const forgiven = (root, typos) => eachWord(root, (words) => {
      if (!isBare(words) || words.also.length || stopwords.has(words.words[0]) || starting(words.words[0]).length) return words;
      const other = related(words).slice(0, 1), found = other.length ? other : near(words.words[0]);
      if (found.length) typos[words.words[0]] = found[0];
      return also(words, found.flatMap((word) => [word, ...starting(word).slice(0, MOST_FORMS), ...family(word)]).map((word) => [word]));
    });

    /* ---- which papers: see catalog.search.evaluate ---- */

    const holding = (name, test) => new Set(index.facts(name).filter(([value]) => test(value)).map(([, i]) => i));

    /* Where a phrase begins, within the columns named. */
    const occurrences = (phrase, prefix, columns) => {
      const last = prefix ? starting(phrase.at(-1)).flatMap(places) : places(phrase.at(-1));
      let found = last;
      if (phrase.length > 1) {
        const rest = phrase.slice(0, -1).map((word) => new Set(places(word)));
        found = last.map((place) => place - rest.length).filter((start) => rest.every((at, n) => at.has(start + n)));
      }
      return columns ? found.filter((place) => columns.includes(columnOf(place))) : found;
    };
    const phrasesOf = ({ words, prefix, also: others }) => [[words, prefix], ...others.map((phrase) => [phrase, false])];
    const columnsOf = ({ column }) => (column ? column.split(" ").map((name) => COLUMNS.indexOf(name)) : null);
    const both = (a, b) => new Set([...a].filter((i) => b.has(i)));

    const ids = (node) => {
      if (node.words) return new Set(phrasesOf(node).flatMap(([phrase, prefix]) => occurrences(phrase, prefix, columnsOf(node)).map(paperOf)));
      if (node.all) return node.all.map(ids).reduce(both);
      if (node.any) return new Set(node.any.flatMap((part) => [...ids(part)]));
      if (node.not) { const out = ids(node.not); return new Set([...every].filter((i) => !out.has(i))); }
      if (node.is) return holding(node.is, (value) => value === node.value);
      if (node.from) return holding(node.from, (value) => value >= node.low && value < node.high);
      return holding(node.contains, (value) => value.includes(node.value));
    };

    const allWords = (node) => (!node ? [] : node.words ? [node] : (node.all || node.any || []).flatMap(allWords));
    const wordsIn = (node) => [...new Map(allWords(node).map((words) => [JSON.stringify(words), words])).values()];

    /* BM25 as SQLite's FTS5 works it out, the best highest. */
    const scores = (asked) => {
      const expressions = [];
      for (const words of asked.slice(0, AT_ONCE)) {
        const columns = columnsOf(words);
        expressions.push(...phrasesOf(words).map((phrase) => [...phrase, columns]));
        if (words.prefix) expressions.push([words.words, false, columns]);
        if (!columns) expressions.push(...phrasesOf(words).map((phrase) => [...phrase, [0, 1]]));
      }
      const score = new Map();
      for (const [phrase, prefix, columns] of expressions) {
        const weight = new Map();
        for (const place of occurrences(phrase, prefix, columns)) {
          const i = paperOf(place);
          weight.set(i, (weight.get(i) || 0) + WEIGHTS[columnOf(place)]);
        }
        const rare = Math.log((papers.length - weight.size + 0.5) / (weight.size + 0.5));
        const idf = rare <= 0 ? 1e-6 : rare;
        for (const [i, often] of weight) {
          const part = idf * ((often * (K1 + 1)) / (often + K1 * (1 - B + (B * lengths[i]) / average)));
          score.set(i, (score.get(i) || 0) + part);
        }
      }
      return score;
    };

    const within = (words, columns) => (words.column ? words : { ...words, column: columns });
    const proper = (root) => {
      const count = (root?.all || []).filter((part) => wordsIn(part).length).length;
      if (count < 2) return root;
      const columns = count >= QUESTION ? OWN : PROPER;
      return { all: root.all.map((part) => (part.not ? part : eachWord(part, (words) => within(words, columns)))) };
    };
    const asked = (root) => {
      const kept = root.all.filter((part) => !(part.words && part.prefix && stopwords.has(part.words.at(-1))));
      return kept.some((part) => part.words) ? { all: kept } : root;
    };
    const takenFor = (part) => {
      const bare = { ...part, prefix: false }, whole = within(bare, PROPER);
      const others = related(part).map((word) => [word]);
      return [
        [HEAD, within(bare, NAMED)], [1, whole],
        ...(others.length ? [[ALIKE, { ...whole, words: others[0], also: others.slice(1) }]] : []), [LESS, part],
      ];
    };
    const nearest = (root) => {
      const held = root.all.filter((part) => !part.words);
      const there = held.length ? ids({ all: held }) : every;
      const score = new Map(), having = [];
      let whole = 0;
      for (const part of root.all.filter(({ words }) => words)) {
        const weight = new Map();
        for (const [counts, other] of takenFor(part)) {
          const found = both(ids(other), there);
          const rare = counts * Math.log(1 + there.size / Math.max(1, found.size));
          for (const i of found) weight.set(i, Math.max(rare, weight.get(i) || 0));
        }
        for (const [i, rare] of weight) score.set(i, (score.get(i) || 0) + rare);
        const holders = ids(part);
        whole += Math.log(1 + there.size / Math.max(1, both(holders, there).size));
        having.push([part.words.join(" "), holders]);
      }
      const best = [...score.values()].sort((a, b) => b - a);
      const least = Math.max(Math.min(ENOUGH * best[0], ...best.slice(0, FEW)), LEAST * best[0], SHARE * whole);
      const kept = new Map([...score].filter(([, weight]) => weight >= least));
      const lacking = new Map([...kept.keys()].map((i) => [i, having.filter(([, found]) => !found.has(i)).map(([name]) => name)]));
      return [kept, [...lacking.values()].some((words) => words.length) ? lacking : new Map()];
    };

    const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    const byLast = (a, b) => (a || b ? (a && b ? byText(b, a) : a ? -1 : 1) : 0);
    const sorted = (root, matched, close) => {
      const ranking = wordsIn(root).filter((words) => RANKING.has(words.column));
      const name = ranking.length ? "year" : "added";
      const value = (i) => String(papers[i][name] || "");
      const order = [...(matched || every)].sort((a, b) => byLast(value(a), value(b)) || byText(papers[a].key, papers[b].key));
      if (ranking.length) {
        const score = scores(ranking), of = (i) => Math.round((score.get(i) || 0) * 1e9);
        order.sort((a, b) => of(b) - of(a));
      }
      return close.size ? order.sort((a, b) => Math.round((close.get(b) - close.get(a)) * 1e6)) : order;
    };

    /* The papers that a query finds, best first, as places in `papers`; throws a SyntaxError that says what is wrong. */
    const search = (text) => {
      let root = widened(window.readrunQuery.parse(text, identifiers));
      settle();
      const typos = {};
      let matched = root && ids(proper(root)), close = new Map(), lacking = new Map();
      settle();
      if (matched && !matched.size && wordsIn(root).length) {
        const other = forgiven(root, typos);
        settle();
        if (Object.keys(typos).length) { root = other; matched = ids(proper(root)); }
        settle();
      }
      if (matched && !matched.size && root.all) {
        root = asked(root);
        if (root.all.length <= PAIR) matched = ids(proper(root));
        settle();
        if (!matched.size) {
          [close, lacking] = nearest(root);
          matched = new Set(close.keys());
        }
        settle();
      }
      const found = sorted(root, matched, close);
      settle();
      const shown = wordsIn(root);
      const starts = new Set(shown.flatMap((words) => phrasesOf(words).flatMap(([phrase]) => phrase)));
      return {
        found, typos, lacking,
        /* whether a word of a text is one of those asked for */
        marks: (word) => window.readrunQuery.tokens(word).some((token) => [...starts].some((start) => token.startsWith(start))),
        /* the columns in which a paper was found */
        where: (i) => new Set(shown.flatMap((words) => phrasesOf(words).flatMap(([phrase, prefix]) => (
          occurrences(phrase, prefix, columnsOf(words)).filter((place) => paperOf(place) === i).map((place) => COLUMNS[columnOf(place)]))))),
      };
    };
    /* The same, once what it needs of the index has come. */
    const answered = async (text) => {
      for (;;) {
        try { return search(text); } catch (error) {
          if (!error.wanted) throw error;
          await index.load(error.wanted);
        }
      }
    };
    return { papers, search, answered };
  };

  /* What a reader has to know of an answer that is not quite what was asked. */
  window.readrunSaid = ({ typos, lacking }) => {
    const said = Object.entries(typos).map(([asked, shown]) => `no “${asked}”; shown for “${shown}”`);
    if (lacking.size) {
      const lists = [...lacking.values()], whole = lists.filter((words) => !words.length).length;
      const missing = lists[0].filter((word) => lists.every((words) => words.includes(word)));
      said.push(whole ? `${whole} of these papers ${whole === 1 ? "has" : "have"} all of the words; the others are the nearest:`
        : `no paper has all of these words; the nearest${missing.length ? `, all without ${missing.join(", ")}` : ""}:`);
    }
    return said.join(" · ");
  };
})();
