"""One equation as one types it, read from left to right; what is not surely understood is given up."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from catalog.pages.symbols import GREEK, NAMED, OPERATORS, WORDS, Token, number_tex, subscript, symbol, tokens

DEEPEST = 12
_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "~": r"\sim", "~=": r"\approx", "≈": r"\approx", "<=": r"\le", "≤": r"\le",
    ">=": r"\ge", "≥": r"\ge", "!=": r"\ne", "≠": r"\ne", "->": r"\to", "→": r"\to", "<-": r"\gets", "←": r"\gets",
    ":=": ":=", "<->": r"\leftrightarrow", "in": r"\in", "∈": r"\in",
}  # fmt: skip
_PRODUCTS = {"*": r"\ast", "·": r"\cdot", "@": r"\,", "×": r"\times", "/": "/"}
_SUMS = {"+": "+", "-": "-", "−": "-"}
_DOTS = {"...": r"\ldots", "…": r"\ldots", "..": r"\mathbin{..}", "∞": r"\infty"}
_AROUND = {"sqrt": (r"\sqrt{", "}"), "ceil": (r"\lceil ", r" \rceil"), "floor": (r"\lfloor ", r" \rfloor"),
           "abs": (r"\lvert ", r" \rvert"), "norm": (r"\lVert ", r" \rVert")}  # fmt: skip
_BETWEEN = {",", ";", ":", r"\mid", *_RELATIONS.values()}
_ENDS = {"(": ")]", "[": "])"}
_BARS = {"|": (r"\lvert ", r" \rvert"), "||": (r"\lVert ", r" \rVert")}


def equation(cell: str, continued: bool = False) -> str | None:
    """The TeX of one equation, `&` before its first relation; None where it is not surely one.

    What is `continued` may begin with its relation.
    """
    end = cell[-1:] if cell[-1:] in {",", ";", "."} and not cell.endswith("..") else ""
    found = tokens(cell[: len(cell) - len(end)])
    if not found:
        return None
    try:
        return _Reader(found).equation(continued) + end
    except _NotOne:
        return None


class _NotOne(Exception):
    """This is not an equation, or not one that can be read in a single way."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of TeX. `fraction`: both sides where it is a quotient and nothing else; `word`: it may be prose."""

    tex: str
    fraction: tuple[str, str] | None = None
    word: bool = False
    number: bool = False
    bare: str = ""
    differential: bool = False


class _Reader:
    """Reads tokens from left to right, and gives up at the first doubt."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.times = False
        self.bar = ""

    def equation(self, continued: bool) -> str:
        left = "" if continued and self._peek() in _RELATIONS else self._list()
        sides = []
        while self._peek() in _RELATIONS:
            if self._peek() == "~" and not self._spaced():
                raise _NotOne
            relation = _RELATIONS[self._take().text]
            sides.append(f"{relation} {self._list(relation)}")
        if not sides or self.at < len(self.tokens):
            raise _NotOne
        return f"{left} &{' '.join(sides)}".strip()

    def _peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def _take(self) -> Token:
        if self.at >= len(self.tokens):
            raise _NotOne
        self.at += 1
        return self.tokens[self.at - 1]

    def _spaced(self, ahead: int = 0) -> bool:
        return self.at + ahead < len(self.tokens) and self.tokens[self.at + ahead].spaced

    def _list(self, relation: str = "") -> str:
        """One side of an equation: expressions with commas between them."""
        parts = [self._sum()]
        while self._peek() == ",":
            self._take()
            parts.append(self._sum())
        if any(part.word for part in parts) and (len(parts) > 1 or relation == r"\in"):
            raise _NotOne
        tex = ", ".join(part.tex for part in parts)
        return re.sub(r"\AR(?=\^)", r"\\mathbb{R}", tex) if relation == r"\in" else tex

    def _sum(self) -> _Part:
        sign = f"{_SUMS[self._take().text]}" if self._peek() in _SUMS else ""
        first = self._product()
        if self._peek() not in _SUMS:
            return _Part(sign + first.tex) if sign else first
        terms = [sign + first.tex]
        words = first.word
        while self._peek() in _SUMS:
            mark = _SUMS[self._take().text]
            term = self._product()
            words = words or term.word
            terms.append(f"{mark} {term.tex}")
        if words:
            raise _NotOne
        return _Part(" ".join(terms))

    def _product(self) -> _Part:
        """Factors side by side or with a mark between; a word stands alone, for two of them may be prose."""
        factors, marks = [self._factor()], [""]
        tight = True
        while True:
            mark = self._peek()
            if mark in _PRODUCTS:
                tight = tight and not self._spaced() and not self._spaced(1)
                self._take()
                marks.append(_PRODUCTS[mark])
            elif self.times and mark == "x" and self._spaced() and self.at + 1 < len(self.tokens) and self._spaced(1):
                self._take()
                marks.append(r"\times")
            elif self._begins():
                marks.append("")
            else:
                break
            factors.append(self._factor())
            if factors[-1].number and not marks[-1]:
                raise _NotOne
        if len(factors) == 1:
            return factors[0]
        if any(factor.word for factor in factors):
            raise _NotOne
        return _product(factors, marks, tight)

    def _begins(self) -> bool:
        """Whether another factor begins here."""
        if self.at >= len(self.tokens):
            return False
        token = self.tokens[self.at]
        if token.text in _RELATIONS:
            return False
        if token.text in _BARS:
            return not self.bar and not self._spaced(1)
        return token.kind in {"name", "number"} or token.text in _ENDS or token.text in _DOTS

    def _factor(self) -> _Part:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _NotOne
        part = self._atom()
        seen = "^" if part.number and "^" in part.tex else "_" if part.bare[-1:].isdigit() else ""
        if self._peek() == "~" and not self._spaced() and part.bare and not self._sticks(1):
            self._take()
            part = replace(part, tex=rf"\tilde{{{part.tex}}}")
        while self._peek() in {"'", "_", "^"} and not self._spaced():
            if self._peek() in seen or (self._peek() == "'" and "^" in seen):
                raise _NotOne
            seen += self._peek().strip("'")
            part = self._raised(part)
        self.depth -= 1
        return part

    def _raised(self, part: _Part) -> _Part:
        mark = self._take().text
        if mark == "'":
            return _Part(f"{part.tex}'")
        before = self.times
        base = r"\mathbb{R}" if mark == "^" and part.bare == "R" and self._has_times() else part.tex
        self.times = base == r"\mathbb{R}"
        script = self._script(mark, part)
        self.times = before
        return _Part(f"{base}{mark}{script}", differential=part.differential and mark == "_")

    def _has_times(self) -> bool:
        """Whether braces follow that hold ` x `."""
        inside = self.tokens[self.at : self.at + 12]
        closed = next((n for n, token in enumerate(inside) if token.text == "}"), 0)
        return bool(inside) and inside[0].text == "{" and any(token.text == "x" for token in inside[2:closed])

    def _script(self, mark: str, base: _Part) -> str:
        token = self._take()
        if token.spaced:
            raise _NotOne
        if token.text == "{":
            alone = self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].text == "}"
            alone = alone and self.tokens[self.at].kind == "name"
            tex = subscript(self._take().text) if alone else self._inside()
            if self._take().text != "}":
                raise _NotOne
            return f"{{{tex}}}"
        if mark == "^" and token.text == "T":
            return "{T}" if base.tex.startswith("\\") and base.bare in GREEK else r"\top"
        if mark == "^" and token.text in _SUMS:
            return f"{{-{self._number()}}}"
        if mark == "^" and token.text == "*":
            return "{*}"
        if mark == "^" and token.text == "(":
            start = self.at
            tex = self._inside()
            if self._take().text != ")" or _looks_like_a_shape(self.tokens[start : self.at - 1]):
                raise _NotOne
            return f"{{{tex}}}"
        if token.text == "<" and self._sticks():
            return f"{{<{self._script(mark, base)[1:]}"
        if token.kind == "mark" or self._sticks():
            raise _NotOne
        return f"{{{token.text if token.kind == 'number' else subscript(token.text)}}}"

    def _sticks(self, ahead: int = 0) -> bool:
        """Whether a token goes on where the one before it ended, as the k of `n_0k`."""
        there = self.at + ahead < len(self.tokens)
        return there and not self._spaced(ahead) and self.tokens[self.at + ahead].kind != "mark"

    def _number(self) -> str:
        token = self._take()
        if token.kind != "number" or token.spaced:
            raise _NotOne
        return token.text

    def _inside(self) -> str:
        """What may stand between brackets: expressions, relations, and the marks of a list or a slice."""
        parts: list[str] = []
        while self._peek() and self._peek() not in {")", "]", "}"}:
            text = self._peek()
            if text in {",", ";", ":"}:
                parts.append(self._take().text)
            elif text == "|" and self._spaced(1) and not self.bar:
                self._take()
                parts.append(r"\mid")
            elif text in _RELATIONS and (text != "~" or self._spaced()):
                parts.append(_RELATIONS[self._take().text])
            elif parts and parts[-1] not in _BETWEEN:
                raise _NotOne
            else:
                part = self._sum()
                if part.word and len(parts) > 0:
                    raise _NotOne
                parts.append(part.tex)
        if not parts:
            raise _NotOne
        return " ".join(parts).replace(" ,", ",").replace(" ;", ";")

    def _atom(self) -> _Part:
        token = self._take()
        if token.kind == "number":
            return _Part(number_tex(token.text), number=True)
        if token.kind == "name":
            return self._name(token.text)
        if token.text in _DOTS:
            return _Part(_DOTS[token.text])
        if token.text in _ENDS:
            return self._group(token)
        if token.text in _BARS:
            return self._bars(token.text)
        raise _NotOne

    def _group(self, token: Token) -> _Part:
        start, opening = self.at, token.text
        before = self.tokens[start - 2] if start > 1 else None
        apart = before is None or token.spaced or (before.kind == "mark" and before.text not in {")", "]", "}", "'"})
        whole = self._quotient() if opening == "(" and apart else None
        if whole:
            return whole
        self.at = start
        tex = self._inside()
        closing = self._take().text
        if closing not in _ENDS[opening] or (closing != _ENDS[opening][0] and "," not in tex):
            raise _NotOne
        if _looks_like_a_shape(self.tokens[start : self.at - 1]):
            raise _NotOne
        tall = r"\frac" in tex or r"\sum" in tex
        left, right = (r"\left", r" \right") if tall else ("", "")
        return _Part(f"{left}{opening}{tex}{right}{closing}")

    def _quotient(self) -> _Part | None:
        """A fraction where the parenthesis holds one quotient and nothing else, as in `(alpha / r) B`."""
        try:
            part = self._product()
        except _NotOne:
            return None
        if not part.fraction or self._peek() != ")":
            return None
        after = self.tokens[self.at + 1].text if self.at + 1 < len(self.tokens) else ""
        if after in {"^", "_", "'"}:
            return None
        self._take()
        return _Part(r"\frac{%s}{%s}" % part.fraction)  # noqa: UP031  # braces are TeX's here

    def _bars(self, bar: str) -> _Part:
        if self.bar:
            raise _NotOne
        left, right = _BARS[bar]
        self.bar = bar
        part = self._sum()
        if self._take().text != bar:
            raise _NotOne
        self.bar = ""
        return _Part(f"{left}{part.tex}{right}")

    def _name(self, name: str) -> _Part:
        called = self._peek() == "(" and not self._spaced()
        if called and name in _AROUND:
            self._take()
            tex = self._inside()
            if self._take().text != ")":
                raise _NotOne
            return _Part(f"{_AROUND[name][0]}{tex}{_AROUND[name][1]}")
        if name in OPERATORS:
            return _Part(OPERATORS[name])
        if name in NAMED:
            return _Part(rf"\operatorname{{{name}}}")
        if called and (not symbol(name) or (name[1:2].isalpha() and name[:2].isupper())):
            return _Part(rf"\operatorname{{{name}}}")
        tex = symbol(name)
        if tex:
            return _Part(tex, bare=name, differential=name[0] == "d" and len(name) > 1)
        return _Part(rf"\operatorname{{{name}}}", word=name not in WORDS)


def _product(factors: list[_Part], marks: list[str], tight: bool) -> _Part:
    """Factors as TeX; as a fraction where it can only be one."""
    tex = _joined(factors, marks)
    if marks.count("/") != 1 or marks[-1] != "/":
        return _Part(tex)
    above = _joined(factors[:-1], marks)
    below = factors[-1].tex
    if tight and len(factors) == 2 and all(factor.differential for factor in factors):
        return _Part(rf"\frac{{{above}}}{{{below}}}")
    return _Part(tex, fraction=(above, below))


def _joined(factors: list[_Part], marks: list[str]) -> str:
    return " ".join(
        filter(None, (part for mark, factor in zip(marks, factors, strict=False) for part in (mark, factor.tex)))
    )


def _looks_like_a_shape(tokens: list[Token]) -> bool:
    """`(d x k)`: a size, or a product of three."""
    between = tokens[1::2]
    return len(tokens) > 2 and len(tokens) % 2 == 1 and all(token.text == "x" and token.spaced for token in between)
