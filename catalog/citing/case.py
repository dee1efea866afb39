"""Title case and its relations, as CSL has them."""

from __future__ import annotations

import re
from functools import lru_cache

from catalog.citing.pieces import Piece, Pieces

_SMALL = frozenset(str.split(
    "a an the and but or nor yet so about above across after against along alongside amid among amongst around as at"
    " atop before behind below beneath beside besides between beyond by circa despite down during except for from given"
    " in inside into like near of off on onto out outside over past per plus since than through throughout till to"
    " toward towards under underneath until unto up upon versus via vs vs. v. with within without"
    " al d' de da der des di du el et et. la le les van von"
))  # fmt: skip
_WORD = re.compile(r"[^\s/–—-]+|[\s/–—-]+")
_ENDS_CLAUSE = re.compile(r"[:?!—]\W*$")
_LETTER = re.compile(r"[^\W\d_]")
_CLIPPED = re.compile(r"['’](?:[a-z]|tis|twas|em)(?![a-z])")  # 't Hooft
_GREEK = re.compile("[\u0370-\u03ff]")


def cased(pieces: Pieces, how: str, english: bool = True) -> Pieces:
    """The pieces in another case: lowercase, uppercase, capitalize-first, capitalize-all, sentence, title."""
    if how in ("lowercase", "uppercase"):
        return [_kept(p) or p._replace(text=p.text.lower() if how == "lowercase" else p.text.upper()) for p in pieces]
    if how == "title":
        return _title(pieces) if english else pieces
    if how == "sentence" and not any(c.islower() for p in pieces for c in p.text):
        pieces = [_kept(p) or p._replace(text=p.text.lower()) for p in pieces]
    if how == "capitalize-all":
        return [_kept(p) or p._replace(text=re.sub(r"\S+", lambda m: _raised(m.group()), p.text)) for p in pieces]
    return _first(pieces)


def _kept(piece: Piece) -> Piece | None:
    return piece if "nocase" in piece.marks else None


def _first(pieces: Pieces) -> Pieces:
    """The first word with a capital, if it is written in small letters."""
    for at, piece in enumerate(pieces):
        if word := re.search(r"[^\W_][^\s]*", piece.text):
            if "nocase" in piece.marks:
                return pieces
            text = piece.text[: word.start()] + _raised(word.group()) + piece.text[word.end() :]
            return [*pieces[:at], piece._replace(text=text), *pieces[at + 1 :]]
    return pieces


@lru_cache(maxsize=10_000)
def _raised(word: str) -> str:
    """A word in small letters with a capital; any other as it is."""
    letters = "".join(_LETTER.findall(word))
    first = _LETTER.search(word)
    if (
        not first
        or _GREEK.match(first.group())
        or letters != letters.lower()
        or any(c.isdigit() for c in word[: first.start()])
        or _CLIPPED.match(word)
    ):
        return word
    return word[: first.start()] + first.group().upper() + word[first.end() :]


def _title(pieces: Pieces) -> Pieces:
    words = [(at, word) for at, piece in enumerate(pieces) for word in _WORD.findall(piece.text)]
    last = max((n for n, (_, word) in enumerate(words) if _LETTER.search(word)), default=-1)
    out = [""] * len(pieces)
    before = ":"
    for number, (at, word) in enumerate(words):
        small = word.lower().strip(",;.?!:()[]") in _SMALL or word.lower() in _SMALL
        starts = bool(_ENDS_CLAUSE.search(before))
        kept = "nocase" in pieces[at].marks or "q" in pieces[at].marks
        shown = word if kept or (small and not starts and number != last) else _raised(word)
        out[at] += shown
        if word.strip() or not before.strip():
            before = word if "q" not in pieces[at].marks else before
    return [piece._replace(text=text) for piece, text in zip(pieces, out, strict=True)]
