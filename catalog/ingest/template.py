"""The template of a list: several readings of where titles stand are scored over all siblings, and one is taken.

A line is cut where it could be: at the edges of marks and quotation marks, at brackets, dashes, bars, commas, colons
and the ends of sentences. A title is a stretch between two cuts. It is worth most where it looks like one, agrees with
the marks, and where what it leaves on either side is explained: names, a venue, a date, a link, nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from catalog.ingest import beside, looks, marks, roles, values
from catalog.ingest.cuts import EDGE, Span, cuts, trimmed
from catalog.ingest.line import Line

_MARKS = {"link": "the link", "bold": "what is in bold", "quoted": "what is in quotation marks",
          "italic": "what is in italics", "code": "what is in code", "text": "the text"}  # fmt: skip
_AFTER = {"names": "the names", "venue": "the venue", "date": "the date", "link": "the link", "short": "a short name"}
_UNTIL = {".": "a full stop", ",": "a comma", ":": "a colon", "-": "a dash", "(": "a parenthesis", "by": "“by”",
          "type": "its kind", "link": "the links", "blanks": "two blanks"}  # fmt: skip
_LONGEST = 700  # characters of a line in which a title is looked for
_MOST_ENDS = 9
_AS_THE_RUN = 0.25  # what names before a title are worth more where most of the run has names there
_HOPELESS = 0.3  # of the best reading so far: what can be worth no more is looked at no further


class Reading(NamedTuple):
    """Where a title stands: what is before it, how it is marked, and what ends it."""

    after: str = ""
    mark: str = "text"
    until: str = ""

    def __str__(self) -> str:
        """In words, for the report."""
        after = f" after {_AFTER[self.after]}" if self.after in _AFTER else ""
        if not after and self.mark == "text" and self.until not in _UNTIL:
            return "the whole line"
        return f"{_MARKS[self.mark]}{after}" + (f", up to {_UNTIL[self.until]}" if self.until in _UNTIL else "")


@dataclass(slots=True)
class Choice:
    """How a run of siblings was read: the reading, the next best, and how many fit it."""

    name: Reading | None
    second: Reading | None = None
    of: int = 0
    fitting: int = 0
    close: bool = False


Scored = dict[Reading, tuple[float, Span]]


def readings(line: Line, common: frozenset[str]) -> Scored:
    """Each reading of a line with how much it is worth and where it says that the title stands."""
    if line.scored is None:
        line.scored = _readings(line, common)
    return line.scored


def best(line: Line, common: frozenset[str]) -> tuple[float, Reading, Span]:
    """The best reading of a line by itself; worth 0 where there is none."""
    found = readings(line, common)
    name = max(found, key=lambda one: found[one][0], default=Reading())
    return (found[name][0], name, found[name][1]) if found else (0.0, name, (0, 0))


def _readings(line: Line, common: frozenset[str]) -> Scored:
    plain, start = line.plain, line.start
    stop = plain.find("\n", start)
    if stop > 0 and _names_first(plain[start:stop], plain[stop:], common):  # the title stands in the second line
        stop = plain.find("\n", len(plain) - len(plain[stop:].lstrip()))
    stop = min(len(plain) if stop < 0 else stop, start + _LONGEST, line.stop or len(plain))
    every = cuts(line, start, stop)
    out: Scored = {}
    most = 0.0
    for first, after, left in beside.starts(line, every, common):
        behind = [cut for cut in every if cut.end > first]
        marked = next((cut for cut in behind[_MOST_ENDS:] if cut.kind == ")mark"), None)
        for cut in [*behind[:_MOST_ENDS], *([marked] if marked else [])]:
            span = trimmed(plain, first, cut.end)
            title, hopeless = plain[slice(*span)], _HOPELESS * most
            if len(title) < 2 or looks.by_length(looks.size(title)) < hopeless:
                continue
            name = Reading(after, marks.mark_of(line, span, common), marks.until(line, cut))
            worth = left * marks.heeds(line, name.mark, span, common)
            how = {"marked": name.mark != "text", "named": after == "names", "linked": marks.to_paper(line, span)}
            worth *= looks.of_title(title, common, **how, least=hopeless / worth)
            if worth > max(0.05, hopeless / beside.MOST_RIGHT):
                worth *= beside.right(line, cut, span, stop, after, common)
            if name not in out or worth > out[name][0]:
                out[name] = (worth, span)
                most = max(most, worth)
    return out


def _names_first(first: str, rest: str, common: frozenset[str]) -> bool:
    """Whether a first line holds names, maybe behind what the work is called, and the second does not."""
    first, second = (first.partition(": ")[2] or first).strip(EDGE), rest.strip().partition("\n")[0]
    likely = roles.goes_on(roles.COMMA.split(first)[0], common, True) and values.likely_people(first, common, True)
    return likely >= 0.6 and len(second.split()) > 2 and (second[0] in '"“' or not roles.role(second, common, "-"))


def choose(
    lines: Sequence[Line], common: frozenset[str], wanted: Reading | None = None
) -> tuple[list[tuple[Reading, Span]], Choice]:
    """For each line of a run its reading and the span of its title, and how the run was read on the whole.

    The run's best reading is taken where it fits a line; a line that it fits badly is read anew by the readings that
    the other such lines favour, and below eight lines its own best counts for more.
    """
    scored = [readings(line, common) for line in lines]
    main, second = _favour(scored)
    main = wanted or main
    left = [s for s in scored if s and _fit(s, main) < 0.6]
    peeled, _ = _favour(left) if len(left) >= max(2, 0.03 * len(scored)) else (None, None)
    trust = 0.25 if len(lines) >= 8 else 0.12
    out: list[tuple[Reading, Span]] = []
    for found in scored:
        chosen, most = Reading(), -1.0
        for name, (worth, _) in found.items():
            bonus = trust * max(_alike(name, main), 0.6 * _alike(name, peeled))
            bonus += _AS_THE_RUN if main and main.after == "names" == name.after else 0
            bonus += 10 if name == wanted and worth > 0.1 else 0
            if worth + bonus > most:
                chosen, most = name, worth + bonus
        out.append((chosen, found[chosen][1]) if found else (chosen, (0, 0)))
    counts = Counter(name for name, _ in out)
    fitting = sum(_fit(s, second) >= 0.6 for s in scored) if second else 0
    close = fitting * 10 >= len(lines) * 8 and _spans_differ(scored, main, second)
    return out, Choice(main, second, len(lines), counts[main] if main else 0, close)


def _alike(one: Reading, other: Reading | None) -> float:
    if other is None:
        return 0.0
    return 1.0 if one == other else 0.4 if one[:2] == other[:2] else 0.2 if one[1:] == other[1:] else 0.0


def _fit(found: Scored, name: Reading | None) -> float:
    most = max((worth for worth, _ in found.values()), default=0.0)
    return found[name][0] / most if name is not None and name in found and most > 0 else 0.0


def _spans_differ(scored: Iterable[Scored], one: Reading | None, other: Reading | None) -> bool:
    if one is None or other is None:
        return False
    pairs = [(s[one][1], s[other][1]) for s in scored if one in s and other in s]
    return sum(a != b for a, b in pairs) * 2 > len(pairs)


def _favour(scored: Sequence[Scored]) -> tuple[Reading | None, Reading | None]:
    """The reading that does best over all lines, and the next that reads them otherwise."""
    sums: dict[Reading, float] = defaultdict(float)
    for found in scored:
        for name, (worth, _) in found.items():
            sums[name] += min(worth, 1.3)
    ranked = sorted(sums, key=lambda name: -sums[name])
    if not ranked:
        return None, None
    return ranked[0], next((name for name in ranked[1:] if _spans_differ(scored, ranked[0], name)), None)
