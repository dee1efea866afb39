"""Text in pieces with marks, and what happens where pieces meet: quotes, punctuation, blanks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from itertools import groupby
from typing import NamedTuple

FONTS = {"italic": "i", "oblique": "i", "bold": "b", "small-caps": "sc", "underline": "u", "sup": "sup", "sub": "sub"}
_OPENED = {"i": "<i>", "b": "<b>", "u": "<u>", "sup": "<sup>", "sub": "<sub>",
           "sc": '<span style="font-variant:small-caps">'}  # fmt: skip
_CLOSED = {"i": "</i>", "b": "</b>", "u": "</u>", "sup": "</sup>", "sub": "</sub>", "sc": "</span>"}
_MARKDOWN = {"i": "*", "b": "**"}
_TAG = re.compile(
    r"<(/?)(i|b|sub|sup|sc|span)(?:\s+(?:style=\"[^\"]*(small-caps)[^\"]*\"|class=\"(nocase)\"))?\s*>", re.I
)
_ODD = re.compile("[<'\"“”]")
_QUOTE = re.compile(r"[“”]|\"")
_SPECIAL = re.compile(r"([\\`*_\[\]<>#])")
_URL = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)\]]")
_SWALLOWED = {"!": ".:", "?": ".:", ":": ".", ";": ".:", ".": ".", ",": ","}  # after this sign, these are not written
_TAKEN_OVER = {":": "!?", ";": "!?"}  # this sign gives way to these
_MAY_GO = frozenset(" ").union(*_SWALLOWED.values(), *_TAKEN_OVER.values())


class Piece(NamedTuple):
    """A run of text. Its marks: fonts ("i", "b", "u", "sc", "sup", "sub"), "nocase" keeps its case, "q" is a quote."""

    text: str
    marks: frozenset[str] = frozenset()


Pieces = list[Piece]
_Q = frozenset("q")


def content(text: str) -> Pieces:
    """A value of an item in pieces: its tags are marks, its quotes signs of their own, straight ones turned round."""
    text = " ".join(text.split())
    if text and not _ODD.search(text):
        return [Piece(text)]
    pieces: Pieces = []
    marks: list[str] = []
    at = 0
    for tag in _TAG.finditer(text):
        pieces += _quoted(text[at : tag.start()], frozenset(marks))
        at = tag.end()
        name = tag[2].lower()
        if tag[1]:
            marks = marks[:-1]
        else:
            marks = [*marks, "sc" if tag[3] or name == "sc" else tag[4] or ("" if name == "span" else name)]
    return pieces + _quoted(text[at:], frozenset(marks))


def _quoted(text: str, marks: frozenset[str]) -> Pieces:
    if "'" in text:
        text = re.sub(r"(?<=\S)'|'(?=\d\ds?\b)", "’", text)
        text = re.sub(r"(?<!\S)'(?=\w)(?!.*’(?!\w))", "’", text)  # nothing closes it: 't Hooft
    pieces: Pieces = []
    at = 0
    for found in _QUOTE.finditer(text):
        sign = found.group()
        if sign == '"':
            sign = "“" if not text[: found.start()].rstrip(" ") or text[found.start() - 1] in " ([—" else "”"
        pieces += [Piece(text[at : found.start()], marks - {""}), Piece(sign, marks | _Q)]
        at = found.end()
    return [piece for piece in [*pieces, Piece(text[at:], marks - {""})] if piece.text]


def quoted(pieces: Iterable[Piece]) -> Pieces:
    """The pieces in quotes; quotes within become single ones."""
    inner = {"“": "‘", "”": "’", "‘": "“", "’": "”"}
    turned = [Piece(inner[p.text], p.marks) if "q" in p.marks else p for p in pieces]
    return [Piece("“", _Q), *turned, Piece("”", _Q)]


def marked(pieces: Iterable[Piece], mark: str) -> Pieces:
    """The pieces with a mark; italics within italics are upright."""
    return [Piece(p.text, p.marks ^ {mark} if mark in ("i", "b") else p.marks | {mark}) for p in pieces]


def plain(pieces: Iterable[Piece]) -> str:
    """The text of pieces as they stand."""
    return "".join(piece.text for piece in pieces)


def joined(parts: Sequence[Pieces], delimiter: str) -> Pieces:
    """Lists of pieces one behind the other, a delimiter between."""
    out: Pieces = []
    for part in parts:
        out += [Piece(delimiter), *part] if out and delimiter else part
    return out


def settled(pieces: Iterable[Piece], quotes_outside: bool = False) -> Pieces:
    """Pieces as they are printed: no sign or blank twice where two meet, a stop or comma before closing quotes."""
    out: Pieces = []
    for piece in pieces:
        text = piece.text
        while text and out and text[0] in _MAY_GO:
            if text[0] in ".," and not quotes_outside and _closes(out[-1]):
                last = _before_quotes(out)
                if not _swallowed(out[:last], text[0]):
                    out.insert(last, Piece(text[0], out[last - 1].marks if last else frozenset()))
                text = text[1:]
            elif _swallowed(out, text[0]):
                text = text[1:]
            else:
                break
        if text:
            out.append(Piece(text, piece.marks))
    return out


def _closes(piece: Piece) -> bool:
    return "q" in piece.marks and piece.text in "”’"


def _before_quotes(out: Pieces) -> int:
    at = len(out)
    while at and _closes(out[at - 1]):
        at -= 1
    return at


def _swallowed(out: Pieces, sign: str) -> bool:
    """Whether a sign is not written after what stands there."""
    at = len(out) if sign in " ,;" else _before_quotes(out)
    if not at:
        return sign == " " and not out
    last = out[at - 1].text[-1]
    if sign in _TAKEN_OVER.get(last, ""):
        out[at - 1] = out[at - 1]._replace(text=out[at - 1].text[:-1] or " ")
        return False
    return last == sign == " " or sign in _SWALLOWED.get(last, "")


def as_text(pieces: Iterable[Piece]) -> str:
    """As plain text."""
    return plain(pieces).strip()


def as_html(pieces: Iterable[Piece]) -> str:
    """As HTML in one line, addresses as links; nothing of the text is taken for markup."""
    return "".join(map(_tagged, _merged(pieces))).strip()


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The runs of one font each as one piece."""
    for fonts, run in groupby(pieces, lambda piece: piece.marks & _OPENED.keys()):
        yield Piece(plain(run), fonts)


def _tagged(piece: Piece) -> str:
    fonts = [mark for mark in _OPENED if mark in piece.marks]
    text = escape(piece.text, quote=False)
    text = _URL.sub(lambda m: f'<a href="{escape(unescape(m.group()))}">{m.group()}</a>', text)
    return "".join(map(_OPENED.__getitem__, fonts)) + text + "".join(map(_CLOSED.__getitem__, reversed(fonts)))


def as_markdown(pieces: Iterable[Piece]) -> str:
    """As Markdown in one line: italics and bold as such, other fonts as HTML tags, addresses as links."""
    return "".join(map(_starred, _merged(pieces))).strip()


def _starred(piece: Piece) -> str:
    text, at = "", 0
    for url in _URL.finditer(piece.text):
        text, at = f"{text}{_SPECIAL.sub(_ESCAPED, piece.text[at : url.start()])}<{url.group()}>", url.end()
    text += _SPECIAL.sub(_ESCAPED, piece.text[at:])
    inner = text.strip()
    for mark in [mark for mark in _OPENED if mark in piece.marks and inner]:
        sign = _MARKDOWN.get(mark, "")
        inner = f"{sign or _OPENED[mark]}{inner}{sign or _CLOSED[mark]}"
    return text.replace(text.strip(), inner, 1) if inner else text


_ESCAPED = r"\\\1"
