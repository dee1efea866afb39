"""The tag that a heading gives to the papers under it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from catalog.ingest import words
from catalog.ingest.report import fit_tag

_COUNT = re.compile(r"\s*[(（\[]\d+[)）\]]\s*$")  # of the papers under a heading: "Vision (12)"
_NUMBER = re.compile(
    r"^(?:\(?(?:\d{1,4}(?:\.\d{1,3})*[.)]|\d{1,3}(?:\.\d{1,3})+|第[\d一二三四五六七八九十]+[章节])|\[\d{1,4}\]|[IVXivx]{1,6}[.)]|[A-Za-z][.)])\s+(?=\S)"
)
_AFTER = re.compile(r"\s*\{[#.:][^{}]*\}\s*$|\s*\[[^\[\]]{1,80}\]$|\s*[\[(]?(?:back to )?top[\])]?$|\s*↑\s*$", re.I)
_ACRONYM = re.compile(r"(.+?)[ \t]*\(([^()\s]{2,12})\)")


@lru_cache(4096)
def tag_of(name: str, is_title: bool = False) -> str:
    """The tag that a heading gives to the papers under it, or ""; the list's own title only by its acronym."""
    name = _COUNT.sub("", name)
    if words.is_generic(name) or words.status_word(name) or words.is_boilerplate(name):
        return ""
    text = words.undecorated(name)
    for _ in range(3):
        text = _NUMBER.sub("", text).strip()
    text = _AFTER.sub("", text).rstrip(":： ").strip()
    short = _ACRONYM.fullmatch(text)
    if short and _is_acronym(short[2], short[1]):
        return fit_tag(short[2])
    return "" if is_title else fit_tag(text)


def tags_of(section: Sequence[str], h1: str = "") -> list[str]:
    """The tags that the headings above a paper give it; `h1` is the title of the list."""
    return [tag for n, name in enumerate(section) if (tag := tag_of(name, n == 0 and name == h1))]


def _is_acronym(short: str, long: str) -> bool:
    """Whether the letters of `short` are initials, in order, of the parts of `long`; a plural s is free."""
    initials = [part[0].casefold() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", long)]
    letters = [c for c in short if c.isalnum()]
    if letters and letters[-1] == "s" and len(letters) > 2:
        letters = letters[:-1]
    at = iter(initials)
    return len(letters) >= 2 and all(letter.casefold() in at for letter in letters)
