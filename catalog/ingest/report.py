"""What is found on the way, collected; and links and leftovers in the form in which papers keep them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalog.errors import Finding, Kind
from catalog.export.readinglist import as_code
from catalog.ingest import urls, values, words
from catalog.ingest.line import Anchor
from catalog.ingest.tree import Text
from catalog.models import SCHEMES, Link
from catalog.text import fit_tag as fit_tag

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_LABEL_LENGTH = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_EMPTY = re.compile(r"\(\s*[,|/]*\s*\)|\[\s*[,|/]*\s*\]|（\s*）|【\s*】|\*\*\s*\*\*|~~\s*~~")
_APART = " \t|,;/·•—–&:：。"  # what stands between the parts of a line
_QUOTE = "«»“”„‘’‹›「」『』《》【】 "
_SHORT = re.compile(rf"(?<![\w:]){words.SHORT.pattern}(?!\w)")


@dataclass(slots=True)
class Report:
    """The findings of one list, and what its entries share."""

    findings: list[Finding] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    badges: int = 0

    def add(self, kind: Kind, code: str, message: str, line: int, remedy: str = "") -> None:
        """Note one thing."""
        self.findings.append(Finding(code, message, remedy, line=line, kind=kind))

    def link(self, name: str, anchor: Anchor, line: int, title: str = "") -> Link | None:
        """A link of that name, its address mended; None where there is no address, or one that is refused."""
        url = anchor.mark.url
        if not url.strip("# "):
            if not anchor.image:
                message = f"a {name} link without an address was left out"
                self.add("repaired", "empty-link", message, line, "add its address")
            return None
        exact = anchor.mark.title.startswith("=")
        if not exact:
            url, done = urls.mend(url)
            for code, message in done:
                self.add("repaired", code, message, line)
        try:
            return Link(name=valid_name(name) or "link", url=url, label=_label(anchor, name, title))
        except ValueError as e:
            self.add("kept", "refused-link", _refusal(e, url), line, "the line stays in the notes as text")
            return None


def _refusal(error: ValueError, url: str) -> str:
    errors = getattr(error, "errors", None)
    if callable(errors):
        return "; ".join(str(one.get("ctx", {}).get("error", one["msg"])).partition(";")[0] for one in errors())
    return f"{url[:80]!r} is not a link"


def _label(anchor: Anchor, name: str, title: str) -> str:
    """What a link says beyond its name and the paper's title."""
    if anchor.mark.title.startswith("="):
        return anchor.mark.title[1:]
    label = "" if anchor.image else anchor.label
    if words.says_nothing(label) or name in (words.link_of(label), words.plain(label)) or label == anchor.mark.url:
        label = ""
    if label and title and label.casefold().rstrip(".") == title.casefold().rstrip(".")[:_LABEL_LENGTH]:
        label = ""
    return clean(label)[:_LABEL_LENGTH].strip()


def link_name(anchor: Anchor, column: str = "") -> str:
    """The name of a link that no label names: from its own label, its column, or its place."""
    label = anchor.label.strip("[]():.|,! ")
    if anchor.role and not (column and words.says_nothing(label)):
        return words.link_name(label)[0]
    short = anchor.bracketed and 0 < len(label) <= 30 and not anchor.titled and label.count(" ") < 3
    if short and not re.fullmatch(r"\d+", label) and not words.says_nothing(label) and not values.date(label):
        shown = values.venue(label)
        if not (shown and (shown.known or shown.date)):
            return words.link_name(label)[0]
    return column or urls.name_of_place(anchor.mark.url)


def valid_name(name: str) -> str:
    """A name without what a link's name may not hold."""
    return clean(re.sub(r"[`|<>\"{}\[\]\\:]", " ", name))[:60].strip()


def clean(text: str) -> str:
    """The text on one line, without the control characters that no field may hold."""
    return " ".join(_CONTROL.sub("", " ".join(text.split())).split())


def tidy(rest: str) -> str:
    """What is left of a line when its parts are gone, without the separators that stood between them."""
    rest = " ".join(_SHORT.sub("", rest).split())
    while (shorter := _EMPTY.sub(" ", rest)) != rest:
        rest = " ".join(shorter.split())
    rest = re.sub(r"^[.,;:]\s+", "", rest.strip(_APART))
    rest = rest.lstrip(")]） " + _APART) if rest[:1] in ")]）" else rest
    rest = rest.rstrip(_APART + "([（【") if rest.endswith(("(", "[", "（", "【")) else rest
    return rest.removesuffix(" -").removeprefix("- ").strip(" -" if len(rest) < 3 else " ")


def markdown(text: Text, spans: Iterable[tuple[int, int]]) -> str:
    """Stretches of a text as Markdown: emphasis, code and links as they were, what is no markup kept from being any."""
    out = []
    for start, end in spans:
        piece = text.cut(start, end)
        at, parts = 0, []
        for mark in piece.marks:
            if mark.start < at or mark.kind not in ("link", "code") or mark.start == mark.end:
                continue
            parts += [_inert(piece.plain[at : mark.start])]
            inner = piece.plain[mark.start : mark.end]
            bare = inner == mark.url and "<" not in mark.url and ">" not in mark.url
            foreign = _SCHEME.match(mark.url)  # "cite:", "zotero:", "file:" lead nowhere here
            if (foreign and foreign[1].lower() not in SCHEMES) or "{{" in mark.url:
                parts.append(as_code(f"[{inner}]({mark.url})"))
                at = mark.end
                continue
            address = mark.url if not re.search(r"[\s()]", mark.url) else f"<{mark.url}>"
            shown = f"<{inner}>" if bare else f"[{_inert(inner)}]({address})"
            parts.append(as_code(inner) if mark.kind == "code" else shown)
            at = mark.end
        out.append("".join([*parts, _inert(piece.plain[at:])]).replace("\n", " "))
    return " ".join(part for part in out if part)


def written(text: Text) -> str:
    """A whole text as Markdown, line by line."""
    return "\n".join(markdown(line, [(0, len(line.plain))]) for line in text.lines())


def _inert(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!?])", r"\\<", text)


def joined(parts: Sequence[str]) -> str:
    """Parts of a note on one line."""
    return " · ".join(
        part for part in map(tidy, parts) if re.search(r"\w", part) or (not part.isascii() and part.strip(_QUOTE))
    )
