/* The index of very many papers: in each segment of them a file for the words of one stretch of the alphabet, loaded when
   a query asks for one. See catalog.pages.shards. What a search finds wanting is in `wanted`: load it, and search again. */
(() => {
  "use strict";

  const PLACE = 2 ** 20, LETTERS = "ABCDEFGHI";

  window.readrunShards = async ({ total, segment, bounds }, fetched) => {
    const files = new Map(), loading = new Map();
    let wanted = new Set();
    window.readrunShard = (name, content) => files.set(name, content);
    const load = (names) => Promise.all([...names].map((name) => {
      if (!loading.has(name)) loading.set(name, fetched(`search/${name}.js`).catch((error) => { loading.delete(name); throw error; }));
      return loading.get(name);
    }));

    /* Segments are numbered from the end of the list; [first paper, content] of a kind of file in each of them. */
    const numbers = Array.from({ length: Math.ceil(total / segment) }, (_, number) => number).reverse();
    const names = (kind) => numbers.map((number) => `${number}-${kind}`);
    const here = (kind) => {
      const missing = names(kind).filter((name) => !files.has(name));
      missing.forEach((name) => wanted.add(name));
      return missing.length ? null : numbers.map((number) => [Math.max(0, total - (number + 1) * segment), files.get(`${number}-${kind}`)]);
    };
    const known = (make) => {
      const made = new Map();
      return (key) => {
        if (!made.has(key)) {
          const value = make(key);
          if (!value) return [];
          made.set(key, value);
        }
        return made.get(key);
      };
    };
    const shardOf = (word) => bounds.findLastIndex((bound) => bound <= word);

    const places = known((word) => here(shardOf(word))?.flatMap(([first, words]) => {
      if (!Object.hasOwn(words, word)) return [];
      let paper = first;
      return words[word].split(";").flatMap((entry) => {
        const at = entry.search(/[A-I]/);
        paper += Number(entry.slice(0, at));
        const start = (paper * LETTERS.length + LETTERS.indexOf(entry[at])) * PLACE;
        return entry.slice(at + 1).split(",").map((place) => start + Number(place));
      });
    }));
    const starting = known((prefix) => {
      const shards = bounds.flatMap((bound, at) => (at === shardOf(prefix) || bound.startsWith(prefix) ? [here(at)] : []));
      if (shards.includes(null)) return null;
      const words = shards.flat().flatMap(([, found]) => Object.keys(found).filter((word) => word.startsWith(prefix)));
      return [...new Set(words)].sort();
    });
    const holders = known(() => {
      const counts = new Map(), all = here("words");
      for (const [, words] of all || []) for (const [word, papers] of words) counts.set(word, (counts.get(word) || 0) + papers);
      return all && counts;
    });
    const facts = known((name) => here(name)?.flatMap(([first, values]) => values.flatMap(([value, ...who]) => who.map((i) => [value, first + i]))));

    await load(names("papers"));
    const papers = here("papers").flatMap(([, rows]) => rows.map(([key, year, added, length]) => ({ key, year, added, length })));
    return {
      papers, places, starting, facts, load,
      lengths: papers.map((paper) => paper.length),
      words: () => [...holders("").keys()],
      holders: (word) => holders("").get(word) || 0,
      settle: () => {
        if (!wanted.size) return;
        const names = wanted;
        wanted = new Set();
        throw Object.assign(new Error("more of the index is wanted"), { wanted: names });
      },
    };
  };
})();
