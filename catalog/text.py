"""Text in pieces, and its plain form: what lists, searches and file names are made of. Standard library only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import TypeAlias

Rich: TypeAlias = tuple[tuple[str, str], ...]
"""Text in pieces of (kind, text): "text" and "em", "strong", "sc", "sub", "sup", "code" as Unicode, "math" as TeX."""

_SUB = dict(zip("0123456789+-=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_SUP = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ′*∘",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ′*°",
        strict=True,
    )
)
_DIGITS = re.compile(r"[0-9+\-=()−–]+")
_MATH = re.compile(r"(?<![\\$])\$(?=[^\s$])([^$\n]*[^\s$\\])\$(?![\d$])")
_UNFIT_IN_TAG = re.compile(r"[`|<>\"{}\[\]\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_VOICED = "\u3099\u309a"  # the marks that make another kana, as NFKD parts them
_WORD = re.compile(r"[^\W_]+")
_TAGS = {"em": "em", "strong": "strong", "sub": "sub", "sup": "sup", "code": "code"}


NEAR = 200_000  # characters of a text in which the next of many places is looked for


class Lines:
    """The lines of positions, counted on from one known place: cheap where they are asked for in ascending order."""

    def __init__(self, text: str, at: int = 0, line: int = 1) -> None:
        self._text = text
        self._known = self._latest = (at, line)

    def of(self, at: int) -> int:
        """The line of a position that is not before the known place."""
        from_at, line = self._latest if at >= self._latest[0] else self._known
        self._latest = (at, line + self._text.count("\n", from_at, at))
        return self._latest[1]


def plain(rich: Rich) -> str:
    """The text alone; simple formulas in Unicode (Cu₂O, α, x², O(n log n)), others as TeX between `$`."""
    if len(rich) == 1 and rich[0][0] != "math":
        return rich[0][1]
    return unicodedata.normalize("NFC", "".join(_plain(kind, text) for kind, text in rich))


def html(rich: Rich, escaped: Callable[[str], str] = escape) -> str:
    """The text as HTML: `<em>`, `<strong>`, `<sub>`, `<sup>`, `<code>`, small capitals and formulas as a `<span>`."""
    return "".join(_html(kind, escaped(f"${text}$" if kind == "math" else text)) for kind, text in rich)


def with_math(text: str) -> Rich:
    """A plain text as rich text: what stands between two `$` that can be a formula's is one. "" has no pieces."""
    if "$" not in text:
        return (("text", text),) if text else ()
    pieces = enumerate(_MATH.split(text))
    return tuple(("math" if number % 2 else "text", piece) for number, piece in pieces if piece)


def joined(parts: Iterable[Rich]) -> Rich:
    """Rich texts one behind the other, neighbours of one kind as one piece."""
    whole: list[tuple[str, list[str]]] = []
    for kind, text in (piece for part in parts for piece in part if piece[1]):
        if whole and whole[-1][0] == kind and kind != "math":
            whole[-1][1].append(text)
        else:
            whole.append((kind, [text]))
    return tuple((kind, "".join(texts)) for kind, texts in whole)


@lru_cache(maxsize=10_000)
def tag_slug(text: str) -> str:
    """What two spellings of one tag share: "Long Context" and "long-context" give "long-context"."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[^\w+#.]+", "-", folded).strip("-") or folded


@lru_cache(maxsize=50_000)
def fold(text: str) -> str:
    """Lower case, no accents, only letters and digits, words parted by one blank."""
    return " ".join(word_list(text.casefold()))


def word_list(text: str) -> list[str]:
    """The words of a text in its own case, without accents and signs."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in text if not unicodedata.combining(c) or c in _VOICED)
        text = unicodedata.normalize("NFC", text)
    return _WORD.findall(text)


def fit_tag(text: str) -> str:
    """The text as a tag may be written: on one line, without the characters a tag cannot hold, at most 100 of them."""
    text = " ".join(_UNFIT_IN_TAG.sub(" ", text).split())
    return text if len(text) <= 100 else text[:100].rsplit(" ", 1)[0].strip()


def some_of(names: Sequence[str], between: str = ", ") -> str:
    """The first five of some names, and how many more there are."""
    return between.join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters; of a longer one the beginning."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quoted(value: object, most: int = 78) -> str:
    """A value as it is told: on one line, in quotes, of a long one the beginning."""
    text = " ".join(str(value or "").split())
    return f"“{shortened(text, most)}”" if text else "nothing"


def ticks(text: str, least: int = 3) -> str:
    """As many backticks as no run in the text has: a fence for it, or from 1 on what makes it code."""
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))


def _plain(kind: str, text: str) -> str:
    if kind == "math":
        return formula(text)
    if kind in ("sub", "sup") and _DIGITS.fullmatch(text):
        return _moved(text, _SUB if kind == "sub" else _SUP) or text
    return text


def _html(kind: str, text: str) -> str:
    if kind in ("math", "sc"):
        return f'<span class="{"arithmatex" if kind == "math" else kind}">{text}</span>'
    tag = _TAGS.get(kind)
    return f"<{tag}>{text}</{tag}>" if tag else text


def _moved(text: str, table: dict[str, str]) -> str | None:
    """The text in the signs of a table, or None where it lacks one."""
    moved = [table.get(char) for char in text.replace("−", "-").replace("–", "-").replace(" ", "")]
    return "".join(filter(None, moved)) if moved and all(moved) else None


# --- formulas ---

_TOKEN = re.compile(r"\\(?:[A-Za-z]+\*?|.)|\s+|.", re.S)
_FONTS = frozenset(str.split(
    "mathrm mathit mathbf mathsf mathtt mathnormal boldsymbol bm text textrm textit textbf mbox hbox"
    " operatorname mathcal mathscr mathfrak textnormal mathop ensuremath boldmath pmb"
))  # fmt: skip
_IGNORED = frozenset(str.split(
    "left right big Big bigl bigr Bigl Bigr limits nolimits displaystyle textstyle rm it bf sf tt cal"
    " mathstrut ! - / @"
))  # fmt: skip
_SPACES = frozenset({",", ";", ":", ">", " ", "quad", "qquad", "thinspace", "enspace", "~"})
_MARKS = {
    "bar": "\u0304", "overline": "\u0305", "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "vec": "\u20d7",
    "widetilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "acute": "\u0301", "grave": "\u0300",
    "check": "\u030c", "breve": "\u0306", "mathring": "\u030a", "underline": "\u0332",
}  # fmt: skip
_DOUBLE = {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ", "E": "𝔼", "F": "𝔽"}
_LONGEST = 200
_BETWEEN = re.compile(r"(?<=[^\W_]) (?=[^\W_])")
_WITHIN = re.compile(r"(?<=[⟨⌊⌈]) | (?=[⟩⌋⌉])")
_NAME, _NAME_END = "\ue000", "\ue002"  # before and behind an operator's name
_SPACE = "\ue001"  # one that TeX sets, as it does not between letters
_TEXT_FONTS = frozenset(str.split("text textrm textit textbf mbox hbox textnormal"))


@lru_cache(maxsize=4096)
def formula(tex: str) -> str:
    """A formula without its `$`: in Unicode where it is simple, else as TeX between `$`."""
    shown = _Formula(tex).read() if len(tex) <= _LONGEST else None
    return f"${tex}$" if shown is None else shown


class _Hard(Exception):
    """A formula that is not simple."""


class _Formula:
    """A formula under reading: its tokens, and where we are."""

    def __init__(self, tex: str) -> None:
        self.tokens = _TOKEN.findall(tex)
        self.at = 0

    def read(self) -> str | None:
        """The formula in Unicode, or None."""
        try:
            text = self._until("")
        except (_Hard, RecursionError):
            return None
        text = _WITHIN.sub("", _BETWEEN.sub("", text))  # TeX sets no space between letters
        text = re.sub(rf"(?<=[\w)\]]){_NAME}|{_NAME_END}(?=[\w√∑∏∫{_NAME}])", " ", text)
        text = text.replace(_NAME, "").replace(_NAME_END, "")
        return " ".join(text.replace(_SPACE, " ").split()) or None

    def _until(self, close: str) -> str:
        out: list[str] = []
        while self.at < len(self.tokens):
            piece = self.tokens[self.at]
            self.at += 1
            if piece == close:
                return "".join(out)
            if piece in "_^":
                out.append(self._script(_SUB if piece == "_" else _SUP))
            else:
                start, tight = self.at, bool(out) and not out[-1][-1:].isspace()
                out.append(self._atom(piece))
                if tight and piece[0] == "\\" and self.at == start:
                    self._skip()  # the blank that ends a command's name
        if close:
            raise _Hard
        return "".join(out)

    def _atom(self, piece: str) -> str:
        if piece == "{":
            return self._until("}")
        if piece.startswith("\\"):
            return self._command(piece[1:].rstrip("*"))
        if piece in "}$&#%":
            raise _Hard
        if piece == "'":
            return "′"
        return " " if piece.isspace() or piece == "~" else piece

    def _command(self, name: str) -> str:
        if name in _IGNORED:
            return ""
        if name in _SPACES:
            return _SPACE
        if name in _FONTS:
            inner = self._argument()
            inner = inner.replace(" ", _SPACE) if name in _TEXT_FONTS else inner
            return f"{_NAME}{inner}{_NAME_END}" if name == "operatorname" else inner
        if name == "mathbb":
            return "".join(_DOUBLE.get(char, char) for char in self._argument())
        if name in _MARKS:
            base = self._argument()
            if len(base) != 1:
                raise _Hard
            return base + _MARKS[name]
        if name == "not":
            return unicodedata.normalize("NFC", f"{self._argument()}\u0338")
        if name == "sqrt":
            return "√" + self._short()
        if name in ("frac", "tfrac", "nicefrac", "sfrac"):
            return f"{self._short()}/{self._short()}"
        return self._symbol(name)

    def _symbol(self, name: str) -> str:
        from catalog.symbols import OPERATORS, symbol

        if name in OPERATORS:
            self._skip()
            scripted = self.at < len(self.tokens) and self.tokens[self.at] in "_^"
            return f"{_NAME}{name}{'' if scripted else _NAME_END}"
        found = symbol(name)
        if found is None or not found.strip():
            raise _Hard
        return found

    def _short(self) -> str:
        inner = self._argument()
        if not re.fullmatch(r"\w{1,4}", inner):
            raise _Hard
        return inner

    def _script(self, table: dict[str, str]) -> str:
        inner = self._argument()
        if table is _SUP and inner in ("∘", "°"):
            return "°"
        moved = _moved(inner.replace(_NAME, "").replace(_NAME_END, ""), table)
        if moved is None:
            raise _Hard
        return moved

    def _argument(self) -> str:
        self._skip()
        if self.at >= len(self.tokens):
            raise _Hard
        piece = self.tokens[self.at]
        self.at += 1
        return self._atom(piece)

    def _skip(self) -> None:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
