"""LaTeX as plain text, for showing titles and names. Never for what is stored, nor for addresses and identifiers."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_SPECIAL = re.compile(r"[\\{}$~`]|--|''")
_TOKEN = re.compile(
    r"(?P<command>\\(?:[A-Za-z]++\*?|.|$))"
    r"|(?P<math>\$\$(?:[^$\\]|\\.)*+\$\$|\$(?:[^$\\]|\\.)++\$)"
    r"|(?P<mark>---?|``|''|[{}~`])"
    r"|(?P<text>[^\\${}~`'-]++|.)",
    re.S,
)
_ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "d": "\u0323",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
    "t": "\u0361",
}
_ALONE = {"\u0303": "~", "\u0302": "^"}
_MARKS = {"--": "–", "---": "—", "``": "“", "''": "”", "~": " ", "`": "‘"}
_SYMBOLS = {
    **{c: c for c in "&%_#${}"},
    **dict.fromkeys(" \t\n\\,;:>", " "),
    **dict.fromkeys("-/@!", ""),
    "i": "ı", "j": "ȷ", "aa": "å", "AA": "Å", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø",
    "l": "ł", "L": "Ł", "ss": "ß", "SS": "SS", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ",
    "ng": "ŋ", "NG": "Ŋ", "S": "§", "P": "¶", "pounds": "£", "euro": "€", "texteuro": "€", "copyright": "©",
    "textregistered": "®", "texttrademark": "™", "textdegree": "°", "dots": "…", "ldots": "…", "textellipsis": "…",
    "textendash": "–", "textemdash": "—", "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“",
    "textquotedblright": "”", "textquotesingle": "'", "textquotedbl": '"', "quotedblbase": "„", "glqq": "„",
    "grqq": "“", "flqq": "«", "frqq": "»", "guillemotleft": "«", "guillemotright": "»", "textbackslash": "\\",
    "textasciitilde": "~", "textasciicircum": "^", "textasciigrave": "`", "textbraceleft": "{",
    "textbraceright": "}", "textbar": "|", "textless": "<", "textgreater": ">", "textunderscore": "_",
    "textdollar": "$", "textperiodcentered": "·", "textbullet": "•", "textmu": "µ", "texttimes": "×", "slash": "/",
    "lbrace": "{", "rbrace": "}", "space": " ", "quad": " ", "qquad": " ", "newline": " ", "linebreak": " ",
    "par": " ", "TeX": "TeX", "LaTeX": "LaTeX", "BibTeX": "BibTeX", "times": "×", "cdot": "·", "pm": "±",
    "infty": "∞", "to": "→", "rightarrow": "→", "leq": "≤", "geq": "≥", "neq": "≠", "approx": "≈", "sim": "~",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ell": "ℓ",
}  # fmt: skip
_DROPPED = frozenset({"noopsort", "nocite", "label", "index", "hspace", "vspace", "href", "color", "sortas"})
_VERBATIM = frozenset({"url", "path", "nolinkurl"})


@dataclass(slots=True)
class _Group:
    """A brace group that is open: where in the output it starts, and what becomes of it when it closes."""

    start: int = 0
    accent: str = ""
    dropped: bool = False
    verbatim: bool = False
    pending: str = ""  # the command that waits for its argument


def decode(text: str) -> str:
    r"""Light LaTeX as Unicode text: accents, letters, dashes and quotes decoded, braces and commands gone.

    `$…$` stays verbatim, a `%` is an ordinary character, of a command that is not known the argument stays. White
    space is folded. Never fails, whatever the text.
    """
    if not _SPECIAL.search(text):
        return unicodedata.normalize("NFC", " ".join(text.split()))
    stack, out = [_Group()], list[str]()
    for piece in _TOKEN.finditer(text):
        _take(stack, out, piece.lastgroup or "text", piece.group())
    while stack:
        _close(stack.pop(), out)
    return unicodedata.normalize("NFC", " ".join("".join(out).split()))


def _take(stack: list[_Group], out: list[str], kind: str, piece: str) -> None:
    group = stack[-1]
    if piece == "{":
        stack.append(_opened(group, len(out)))
    elif piece == "}":
        if len(stack) > 1:
            _close(stack.pop(), out)
    elif group.verbatim:
        out.append(piece)
    elif kind == "command":
        _command(group, out, piece[1:])
    else:
        piece = _MARKS.get(piece, piece) if kind == "mark" else piece
        _argument(group, out, piece) if group.pending else out.append(piece)


def _opened(group: _Group, start: int) -> _Group:
    command, group.pending = group.pending, ""
    verbatim = group.verbatim or command in _VERBATIM
    return _Group(start, _ACCENTS.get(command, ""), command in _DROPPED, verbatim)


def _close(group: _Group, out: list[str]) -> None:
    if group.dropped:
        del out[group.start :]
    elif group.accent and len(out) == group.start:
        out.append(_ALONE.get(group.accent, ""))
    elif group.accent:
        out[group.start] = _accented(group.accent, out[group.start])


def _command(group: _Group, out: list[str], name: str) -> None:
    name = name.rstrip("*") if len(name) > 1 else name
    if name not in _SYMBOLS:
        group.pending = name or " "
        return
    symbol, waiting, group.pending = _SYMBOLS[name], group.pending, ""
    out.append(_accented(_ACCENTS[waiting], symbol) if waiting in _ACCENTS else symbol)
    if name.isalpha() and not symbol.isspace():
        group.pending = " "  # TeX skips the white space after a command's name


def _argument(group: _Group, out: list[str], piece: str) -> None:
    """Text where a command waits for its argument: white space after the name is skipped, then one letter taken."""
    command, group.pending = group.pending, ""
    rest = piece.lstrip() if command in _ACCENTS or command.isalpha() or command == " " else piece
    if not rest:
        group.pending = command if command in _ACCENTS else ""
    elif command in _ACCENTS and rest[0].isalpha():
        out.append(_accented(_ACCENTS[command], rest))
    else:
        out.append(rest)


def _accented(accent: str, text: str) -> str:
    """The text with an accent on its first letter; where it begins with none, as it is."""
    text = text.lstrip()
    if not text or not text[0].isalpha():
        return text
    first = {"ı": "i", "ȷ": "j"}.get(text[0], text[0])
    return unicodedata.normalize("NFC", first + accent) + text[1:]
