"""DOIs, arXiv ids, normalised titles and citation keys: what tells whether two entries are one work."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import unquote

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"{}\\|^`]+", re.I)
_NEW = r"\d{4}\.\d{4,5}"
_OLD = r"[a-z][a-z-]+(?:\.[A-Z]{2})?/\d{7}"
_ARXIV_URL = re.compile(rf"arxiv\.org/(?:abs|pdf|html|format|e-print|src)/({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_DOI = re.compile(rf"10\.48550/arxiv\.({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_TEXT = re.compile(rf"\barxiv\s*[:.]?\s*(?:preprint)?\s*(?:arxiv)?\s*[:.]?\s*({_NEW}|{_OLD})(v\d+)?", re.I)
_ARXIV_ID = re.compile(rf"\s*(?:arxiv:)?({_NEW}|{_OLD})(v\d+)?(?:\s*\[[\w.-]+\])?\s*", re.I)
_STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "on",
        "of",
        "for",
        "in",
        "to",
        "and",
        "or",
        "with",
        "from",
        "by",
        "is",
        "are",
        "at",
        "as",
        "via",
        "towards",
        "toward",
        "using",
        "how",
        "what",
        "why",
        "do",
        "does",
        "can",
    ]
)


def doi(text: str) -> str:
    """The DOI in a field or an address, lower case and without resolver; "" where there is none."""
    text = text.replace("\\_", "_")
    found = _DOI.search(unquote(text) if "%2" in text else text)
    if not found:
        return ""
    name = found.group().rstrip(".,;:'")
    while name and name[-1] in ")>]" and name.count(name[-1]) > name.count({")": "(", ">": "<", "]": "["}[name[-1]]):
        name = name[:-1].rstrip(".,;:'")
    return name.lower()


def arxiv(text: str, bare: bool = False) -> str:
    """The arXiv id in a text, without version; `bare` also takes a text that is nothing but an id."""
    found = _ARXIV_URL.search(text) or _ARXIV_DOI.search(text) or _ARXIV_TEXT.search(text)
    if not found and bare:
        found = _ARXIV_ID.fullmatch(text)
    return found.group(1).lower() if found else ""


_VOICED = "\u3099\u309a"  # the marks that make another kana, as NFKD parts them


def fold(text: str) -> str:
    """Lower case, no accents, only letters and digits, words parted by one blank."""
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(c for c in text if not unicodedata.combining(c) or c in _VOICED)
    text = unicodedata.normalize("NFC", text)
    return " ".join(re.findall(r"\w+", text.replace("_", " ")))


def propose_key(title: str, family: str = "", year: int = 0, used: Collection[str] = ()) -> str:
    """A free key in the usual form: family name, year, first telling word of the title. `used` as in `free_key`."""
    words = fold(title).split()
    telling = [word for word in words if word not in _STOP and not word.isdigit()] or words
    stem = fold(family).replace(" ", "") + (str(year) if year else "")
    if stem:
        stem += telling[0] if telling else ""
    else:
        stem = "-".join(telling[:4])
    stem = stem[:60] or "untitled"
    return free_key(stem, used)


def free_key(stem: str, used: Collection[str]) -> str:
    """The key itself, or with the letter or number behind it that makes it free. `used` are keys, case folded."""
    if stem.casefold() not in used:
        return stem
    for letter in "bcdefghijklmnopqrstuvwxyz":
        if f"{stem}{letter}".casefold() not in used:
            return stem + letter
    number = 2
    while f"{stem}-{number}".casefold() in used:
        number += 1
    return f"{stem}-{number}"
