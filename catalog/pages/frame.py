"""What stands around every made page, taken out of its shell into one script that puts it back in the browser.

Header, navigation and footer are the same on all these pages and weigh more than what most papers say. Where something
was taken out stands the script, which writes its next part there before what follows is shown. Without scripts a page
has its own text and the way home.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from itertools import accumulate, pairwise

from catalog.pages.escape import script_json

SCRIPT = "assets/frame.js"
TITLE = "kbmarktitlekbmark"
_OWN = re.compile(rf"(?!{TITLE})kbmark\w+?kbmark|<script\b[^>]*\b(?:src|ld\+json)\b")
_CODE = re.compile(r"\s*<script>(.*?)</script>", re.S)
_HASHES = re.compile(r"(?: 'sha256-[^']*')+")
_VOID = frozenset(re.findall(r"\w+", "area base br col embed hr img input link meta source track wbr"))
_LEAST = 80  # characters; less is not worth a place
_BODY = """/* What stands around every page of a paper: each place that names this script gets the next part. */
var readrunFrame = (window.readrunFrame ?? -1) + 1;
{
  const said = document.querySelector('meta[property="og:title"]')?.content || "";
  const place = document.currentScript;
  const parts = %s;
  place.insertAdjacentHTML("afterend", (parts[readrunFrame] || "").replaceAll("%s", () => new Option(said).innerHTML));
  place.remove();
}
"""


@dataclass(slots=True)
class _Element:
    """An element of a page, by where it stands in the text."""

    start: int
    end: int = 0
    below: list[_Element] = field(default_factory=list)


class _Reader(HTMLParser):
    """The elements of a page as a tree; `whole` says whether every one of them is closed."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=False)
        self.lines = [0, *accumulate(map(len, markup.splitlines(keepends=True)))]
        self.open: list[tuple[str, _Element]] = [("", _Element(0, len(markup)))]
        self.whole = True
        self.feed(markup)
        self.whole &= len(self.open) == 1
        self.page = self.open[0][1]

    def _at(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the parser's own signature
        start = self._at()
        one = _Element(start, start + len(self.get_starttag_text() or ""))
        self.open[-1][1].below.append(one)
        if tag not in _VOID:
            self.open.append((tag, one))

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1][0] != tag:
            self.whole = False
            return
        self.open.pop()[1].end = self._at() + len(f"</{tag}>")


def taken_out(shell: str, known: Collection[str], base: str) -> tuple[str, str]:
    """The shell with places in it, and the script that fills them; "" where nothing can be taken out.

    `known` are the theme's own scripts: they go along, and the policy need not name them any more; others stay and do
    not run. `base` leads to the top of the site.
    """
    start, end = shell.find("<body"), shell.rfind("</body>")
    before, body, after = shell[:start], shell[start:end], shell[end:]
    reader = _Reader(body + "</body>")
    runs = [(a, b) for a, b in _runs(reader.page, body) if b - a >= _LEAST or _CODE.search(body, a, b)]
    if not (reader.whole and runs):
        return shell, ""
    parts = [body[first:last] for first, last in runs]
    codes = [[code for code in _CODE.findall(part) if code in known] for part in (before, *parts)]
    place = f'<script src="{base}/{SCRIPT}"></script>'
    between = [body[last:first] for (_, last), (first, _) in pairwise([(0, 0), *runs, (len(body), len(body))])]
    rest = partial(_CODE.sub, lambda found: "" if found[1] in known else found[0])
    script = _script([rest(part) for part in parts], [codes[0] + codes[1], *codes[2:]])
    return rest(_HASHES.sub("", before)) + place.join(between) + after, script


def _script(parts: Sequence[str], codes: Sequence[Sequence[str]]) -> str:
    ran = (f"if (readrunFrame === {number}) {{\n{code};\n}}\n" for number, of in enumerate(codes) for code in of)
    return _BODY % (script_json(parts), TITLE) + "".join(ran)


def _runs(element: _Element, markup: str) -> Iterator[tuple[int, int]]:
    """Stretches of elements one after another that hold nothing of a page's own."""
    start = end = -1
    for one in element.below:
        if not _OWN.search(markup, one.start, one.end):
            start, end = (start if start >= 0 else one.start), one.end
            continue
        if start >= 0:
            yield start, end
        start = -1
        yield from _runs(one, markup)
    if start >= 0:
        yield start, end
