"""What readers take away: entries, RIS records and citations in parts, and marks that reference managers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial, reduce
from urllib.parse import urlencode

from catalog.citing import NAMES
from catalog.export.cite import citation, in_styles
from catalog.export.csl import item, written
from catalog.export.ris import as_ris
from catalog.facts import Facts, Name
from catalog.pages.escape import script_json, web_address
from catalog.pages.known import Known
from catalog.pages.lazy import Lazy, key

PART = 50  # papers, about; a part is fetched when one of them is asked for
MANY = 4_000  # papers that are cited in every style; of more in those asked for most
FIRST = {name: NAMES[name] for name in ("apa", "ieee")}


def parts(known: Known) -> dict[str, Lazy]:
    """The files that exports of the table and drawers of pages load: of each paper, by its page, what is taken away."""
    styles = NAMES if len(known.papers) <= MANY else FIRST
    held: dict[int, list[Facts]] = {number: [] for number in range(parts_of(len(known.papers)))}
    for facts in known.papers:
        held[part_of(known.names[facts.key], len(held))].append(facts)
    return {
        f"export/{number}.js": Lazy(
            key([(known.names[facts.key], known.work(facts)) for facts in papers], styles),
            partial(_part, number, papers, known.names, styles),
        )
        for number, papers in held.items()
    }


def parts_of(papers: int) -> int:
    """How many parts there are: a power of two, so that it hardly ever changes."""
    return 1 << max(0, -(-papers // PART) - 1).bit_length()


def part_of(page: str, parts: int) -> int:
    """The part of a paper, by the name of its page; `takeaway.js` finds it in the same way."""
    return reduce(lambda said, letter: (31 * said + letter) & 0xFFFFFF, page.encode(), 0) % parts


@lru_cache(maxsize=100_000)
def cited(facts: Facts) -> str:
    """The paper as one cites it, in the first style of the site."""
    return citation(facts)


def _part(number: int, papers: Sequence[Facts], names: Mapping[str, str], styles: Mapping[str, str]) -> str:
    """Of each paper entry, RIS record, CSL item, and its citations in the order of the styles."""
    _, *others = styles
    records = {
        names[facts.key]: [facts.bibtex, as_ris([facts]), written([made]), cited(facts), *in_styles(made, others)]
        for facts, made in zip(papers, map(item, papers), strict=True)
    }
    return f"window.readrunPart({number},{script_json(list(styles.values()))},{script_json(records)});\n"


def in_openurl(name: Name) -> str:
    """The name as readers of OpenURL part it right: the last word is the family, or what stands before a comma."""
    if name.literal or (name.display == f"{name.given} {name.family}" and " " not in name.family and not name.particle):
        return name.display
    family = " ".join(filter(None, (name.particle, name.family)))
    return ", ".join(filter(None, (family, name.given)))


_KINDS: Mapping[str, tuple[str, str, str, str]] = {
    "book": ("book", "book", "rft.btitle", ""),
    "inproceedings": ("book", "proceeding", "rft.atitle", "rft.btitle"),
    "conference": ("book", "proceeding", "rft.atitle", "rft.btitle"),
    "incollection": ("book", "bookitem", "rft.atitle", "rft.btitle"),
    "phdthesis": ("dissertation", "", "rft.title", ""),
    "mastersthesis": ("dissertation", "", "rft.title", ""),
}


def coins(facts: Facts) -> str:
    """A paper as OpenURL ContextObject (Z39.88-2004), for the `title` of an empty `<span class="Z3988">`."""
    form, genre, title, venue = _KINDS.get(facts.kind, ("journal", "article", "rft.atitle", "rft.jtitle"))
    said = [("ctx_ver", "Z39.88-2004"), ("rft_val_fmt", f"info:ofi/fmt:kev:mtx:{form}"), ("rft.genre", genre)]
    said += [(title, facts.heading), (venue, facts.venue if venue else ""), ("rft.date", facts.date.partition("/")[0])]
    first = facts.names[0] if facts.names else None
    if first and first.family:
        said += [("rft.aulast", " ".join(filter(None, (first.particle, first.family)))), ("rft.aufirst", first.given)]
    said += [("rft.aucorp" if name.literal else "rft.au", in_openurl(name)) for name in facts.names]
    said += [
        (f"rft.{name}", facts.detail(detail))
        for name, detail in (("volume", "volume"), ("issue", "number"), ("pages", "pages"))
    ]
    said += [("rft_id", f"info:doi/{facts.doi}" if facts.doi else ""), ("rft_id", web_address(facts.address()))]
    return urlencode([pair for pair in said if pair[0] and pair[1]], errors="replace")
