"""Names and numbers as one types them, as TeX: `theta_l`, `L1`, `dA`, `1e-3`."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 300
_TOKEN = re.compile(
    r"(?P<space>[ ]*)(?:(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+(?![\w.]))?)|(?P<name>[A-Za-z]+\d*)"
    r"|(?P<mark><->|<-|->|<=|>=|!=|:=|~=|\.\.\.|\.\.|\|\||[-+*/^_=<>~,;:()\[\]{}|@'.≤≥≠≈→←·×∈…∞−]))"
)
GREEK = frozenset(
    re.findall(
        r"\w+",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
        " omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
    )
)
OPERATORS = {
    "sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min", "log": r"\log", "exp": r"\exp", "ln": r"\ln",
    "sin": r"\sin", "cos": r"\cos", "tanh": r"\tanh", "det": r"\det", "sup": r"\sup", "inf": r"\inf",
}  # fmt: skip
NAMED = {"mean", "argmax", "argmin", "softmax", "tr", "diag", "sign", "rank", "std", "var", "relu", "gelu", "silu"}
WORDS = {"lr", "loss", "None", "const"}
_INDICES = frozenset("ijklmnt")


def symbol(name: str) -> str:
    """The TeX of a symbol: a letter, a Greek one, one with an index, a differential; "" where it is a word."""
    letters = name.rstrip("0123456789")
    index = name[len(letters) :]
    if letters in GREEK:
        tex = f"\\{letters}"
    elif len(letters) == 1 or (len(letters) == 2 and letters.isupper()):
        tex = letters
    elif letters == "dloss":
        return r"d\,\mathrm{loss}"
    elif letters[0] == "d" and (letters[1:] in GREEK or (len(letters) == 2 and letters != "dd")):
        return f"d {symbol(letters[1:] + index)}"
    else:
        return ""
    return f"{tex}_{{{index}}}" if index else tex


def subscript(name: str) -> str:
    letters = name.rstrip("0123456789")
    if letters in GREEK or len(letters) < 2:
        return symbol(name)
    return name if len(name) == 2 and set(name) <= _INDICES else rf"\mathrm{{{name}}}"


def number_tex(number: str) -> str:
    mantissa, e, power = number.partition("e")
    if not e:
        return number
    return (rf"{mantissa} \cdot " if mantissa != "1" else "") + f"10^{{{int(power)}}}"


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    spaced: bool


def tokens(cell: str) -> list[Token]:
    """The tokens of a cell; none where it holds anything else, or too much."""
    found: list[Token] = []
    at = 0
    while at < len(cell) <= LONGEST:
        match = _TOKEN.match(cell, at)
        if not match:
            return []
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], bool(match["space"])))
        at = match.end()
    return found
