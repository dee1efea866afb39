"""What is found on the way, collected; and the few readings that every part of a list shares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.errors import Finding, Kind
from catalog.ingest.readinglist import inline, urls, words
from catalog.ingest.readinglist.inline import Inline
from catalog.models import Link

_LABEL_LENGTH = 200


@dataclass(slots=True)
class Report:
    """The findings of one list, and its link definitions, by folded label."""

    definitions: Mapping[str, str]
    findings: list[Finding] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    badges: int = 0
    seen: dict[str, list[Inline]] = field(default_factory=dict)

    def add(self, kind: Kind, code: str, message: str, line: int, remedy: str = "") -> None:
        """Note one thing."""
        self.findings.append(Finding(code, message, remedy, line=line, kind=kind))

    def links_of(self, text: str) -> list[Inline]:
        """The links of a line of the list."""
        if text not in self.seen:
            self.seen[text] = inline.links(text, self.definitions)
        return self.seen[text]

    def scratch(self) -> Report:
        """A report to look ahead with: what is found then is not told twice."""
        return Report(self.definitions, seen=self.seen)

    def make(self, name: str, found: Inline, line: int) -> Link | None:
        """A link of that name, its address mended; None where there is no address, or one that is refused."""
        if not found.url.strip("# "):
            self.add(
                "repaired", "empty-link", f"a {name} link without an address was left out", line, "add its address"
            )
            return None
        url = found.url
        if not found.exact:
            url, done = urls.mend(url)
            for code, message in done:
                self.add("repaired", code, message, line)
        try:
            return Link(name=name, url=url, label=_label(found, name))
        except ValueError as e:
            self.add("kept", "refused-link", _refusal(e, url), line, "the line stays in the notes as text")
            return None


def _refusal(error: ValueError, url: str) -> str:
    errors = getattr(error, "errors", None)
    if callable(errors):
        return "; ".join(str(one.get("ctx", {}).get("error", one["msg"])).partition(";")[0] for one in errors())
    return f"{url[:80]!r} is not a link"


def _label(found: Inline, name: str) -> str:
    """What a link says beyond its name."""
    if found.exact:
        return words.unescape(found.title[1:])
    label = "" if found.image else words.strip_marks(found.label)
    title = words.unescape(found.title)
    if label == found.url or words.is_empty_label(label, name):
        label = "" if words.is_empty_label(title, name) else title
    return words.clean(label)[:_LABEL_LENGTH].strip()


def name_for(found: Inline, column: str = "") -> str:
    """The name of a link that no label line names: from its own label, its column, or its place."""
    label = words.strip_marks(found.label).strip("[]():.|,! ").lower()
    if (label and words.is_name(label) and not words.is_empty_label(label, "")) or (
        found.bracketed and 0 < len(label) <= 30 and not label.isdigit()
    ):
        name = words.link_name(label)[0]
    else:
        name = column or urls.name_of_place(found.url)
    return valid_name(name) or "link"


def valid_name(name: str) -> str:
    """A name without what a link's name may not hold."""
    return words.clean(re.sub(r"[`|<>\"{}\[\]\\:]", " ", name))[:60].strip()


def as_code(text: str) -> str:
    """A refused line as inert text: in a code span."""
    fence = "`" * (1 + max((len(run) for run in _runs(text)), default=0))
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _runs(text: str) -> Iterable[str]:
    run = ""
    for char in text:
        run = run + char if char == "`" else ""
        if run:
            yield run


def tidy(rest: str) -> str:
    """What is left of a line when its links are gone, without the separators that stood between them."""
    rest = " ".join(rest.split())
    for empty in ("()", "[]", "( )", "[ ]", "(, )", "[/]", "[|]", "(|)", "( , )", "****", "** **", "~~~~", "~~ ~~"):
        while empty in rest:
            rest = rest.replace(empty, " ")
    rest = " ".join(rest.split())
    rest = rest.strip(" \t|,;/·•—–&")
    return rest.removesuffix(" -").removeprefix("- ").strip()


def join(parts: Sequence[str]) -> str:
    """Parts of a note on one line."""
    return " ".join(part for part in parts if part)


def without_title(links: Iterable[Link], title: str) -> tuple[Link, ...]:
    """The links, a label that only repeats the paper's title left out."""
    plain = title.casefold().rstrip(".")
    return tuple(
        link.model_copy(update={"label": ""})
        if link.label and link.label.casefold().rstrip(".") == plain[:_LABEL_LENGTH]
        else link
        for link in links
    )
