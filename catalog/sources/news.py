"""What was found out about papers and is not settled yet, beside the papers in `.kb/`: derived, and of one reader."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from catalog.errors import BadFile, Finding
from catalog.files import read_bytes
from catalog.models import Paper
from catalog.store import NEWS

CODES = ("new-version", "appeared", "retracted", "corrected", "other-title", "not-found", "link-archived")


@dataclass(frozen=True, slots=True)
class News:
    """One thing found out about a paper on a day: what it is, and what to do.

    `about` is what it is about (a version, a DOI, an address), by which it is told from others of its code.
    """

    key: str
    code: str
    message: str
    remedy: str
    about: str
    day: str

    @property
    def mark(self) -> str:
        """What one settles."""
        return f"{self.code} {self.about}"

    def is_settled(self, paper: Paper) -> bool:
        """Whether the paper itself shows that somebody has dealt with it."""
        if self.code == "appeared":
            return self.about.lower() in paper.bibtex.lower()
        if self.code == "retracted":
            return "retracted" in {tag.casefold() for tag in paper.tags}
        if self.code in ("other-title", "not-found"):
            names = (
                f"{paper.bibtex} {' '.join(link.url for link in paper.links)} {' '.join(paper.ids.values())}".lower()
            )
            return bool(self.about) and self.about.lower() not in names
        if self.code == "link-archived":
            return all(link.url != self.about for link in paper.links)
        return False


@dataclass(slots=True)
class Shelf:
    """All news, what was settled by hand, and how often each paper is cited: (number, by whom it was counted, day)."""

    news: dict[str, list[News]] = field(default_factory=dict)
    settled: dict[str, list[str]] = field(default_factory=dict)
    cited: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def put(self, keys: Iterable[str], found: Iterable[News], codes: Iterable[str]) -> None:
        """What was found of papers that were looked at, in the place of what was known by these codes."""
        codes = frozenset(codes)
        for key in keys:
            self.news[key] = [one for one in self.news.get(key, []) if one.code not in codes]
        for one in found:
            self.news.setdefault(one.key, []).append(one)

    def settle(self, keys: Iterable[str]) -> int:
        """Take the news of papers for settled; how many there were."""
        count = 0
        for key in keys:
            marks = [one.mark for one in self.news.get(key, []) if one.mark not in self.settled.get(key, [])]
            self.settled[key] = [*self.settled.get(key, []), *marks]
            count += len(marks)
        return count

    def open(self, paper: Paper) -> Iterator[News]:
        """The news of a paper that are not settled."""
        done = self.settled.get(paper.key, [])
        for one in self.news.get(paper.key, []):
            if one.mark not in done and not one.is_settled(paper):
                yield one


def read(private: Path) -> Shelf:
    """What is known; raises `BadFile` where the file cannot be read, which holds what a person settled too."""
    shown = f".kb/{NEWS}"
    try:
        data = json.loads(read_bytes(private / NEWS, shown))
        return Shelf(
            {key: [News(**one) for one in found if one["code"] in CODES] for key, found in data["news"].items()},
            {key: list(map(str, marks)) for key, marks in data["settled"].items()},
            {key: (int(one[0]), str(one[1]), str(one[2])) for key, one in data["cited"].items()},
        )
    except FileNotFoundError:
        return Shelf()
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        remedy = "remove it to begin anew; what was settled is said again then"
        raise BadFile(Finding("unreadable", "not as `kb update` writes it", remedy, shown)) from None


def dumps(shelf: Shelf) -> str:
    """The text of the file."""
    data: dict[str, Any] = {
        "news": {key: [asdict(one) for one in found] for key, found in shelf.news.items() if found},
        "settled": {key: marks for key, marks in shelf.settled.items() if marks}, "cited": shelf.cited,
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
