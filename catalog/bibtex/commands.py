"""LaTeX's commands by what becomes of them in print, and those that a `@preamble` defines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "ocirc": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327",
    "textcommabelow": "\u0326", "k": "\u0328", "textogonekcentered": "\u0328", "b": "\u0331", "t": "\u0361",
    "f": "\u0311", "G": "\u030f", "U": "\u030e", "h": "\u0309", "bar": "\u0304", "hat": "\u0302", "tilde": "\u0303",
    "acute": "\u0301", "grave": "\u0300", "check": "\u030c", "breve": "\u0306", "mathring": "\u030a",
    "cftil": "\u0302\u0303", "cfac": "\u0302\u0301", "cfgr": "\u0302\u0300", "cfudot": "\u0302\u0323",  # MathSciNet's
    "polhk": "\u0328", "lfhook": "\u0326", "udot": "\u0323", "dudot": "\u0324", "ubar": "\u0331", "uarc": "\u032e",
    "soft": "\u030c", "textoverline": "\u0305", "overline": "\u0305", "textsubdot": "\u0323", "textsubring": "\u0325",
}  # fmt: skip
NUMBERED = {18: "`", 19: "'", 20: "v", 21: "u", 22: "=", 23: "r", 24: "c", 94: "^", 95: ".", 125: "H", 126: "~",
            127: '"'}  # fmt: skip
DINGS = {  # Zapf's signs that Unicode has elsewhere; the others follow one another there
    37: 0x260E, 42: 0x261B, 43: 0x261E, 72: 0x2605, 108: 0x25CF, 110: 0x25A0, 115: 0x25B2, 116: 0x25BC, 117: 0x25C6,
    119: 0x25D7, 168: 0x2663, 169: 0x2666, 170: 0x2665, 171: 0x2660, 213: 0x2192, 214: 0x2194, 215: 0x2195,
    **{172 + n: 0x2460 + n for n in range(10)},
}  # fmt: skip
MARKS = {"--": "–", "---": "—", "``": "“", "''": "”", "~": " "}
STYLES = {
    **dict.fromkeys(("emph", "textit", "textsl", "mkbibemph", "mkbibitalic", "mathit"), "em"),
    **dict.fromkeys(("textbf", "mkbibbold", "mathbf"), "strong"),
    **dict.fromkeys(("textsc", "mkbibacro"), "sc"),
    **dict.fromkeys(("texttt", "code", "lstinline"), "code"),
    **dict.fromkeys(("textsuperscript", "mkbibsuperscript"), "sup"),
    **dict.fromkeys(("textsubscript", "mkbibsubscript"), "sub"),
}
SWITCHES = {
    **dict.fromkeys(("em", "it", "sl", "itshape", "slshape"), "em"),
    **dict.fromkeys(("bf", "bfseries"), "strong"),
    **dict.fromkeys(("sc", "smc", "scshape"), "sc"),
    **dict.fromkeys(("tt", "ttfamily"), "code"),
    **dict.fromkeys(("rm", "sf", "upshape", "rmfamily", "sffamily", "mdseries", "normalfont", "normalsize"), "text"),
    **dict.fromkeys(("tiny", "scriptsize", "footnotesize", "small", "large", "Large", "LARGE", "huge", "Huge"), "text"),
}
FONT = re.compile(r"(?:five|six|seven|eight|nine|ten|eleven|twelve|rm|it|bf|s?sf|sc|smc|tt|sl|mc|em)+")
IGNORED = frozenset(
    str.split(
        "relax null protect nobreak allowbreak break noindent unskip ignorespaces leavevmode hfill hfil"
        " newblock bgroup egroup sloppy xspace cyrchar centering raggedright displaystyle textstyle left right"
        " nolinebreak nopagebreak nobreakdash string noexpand boldmath unboldmath limits selectfont"
    )
)
DROPPED = frozenset(  # commands whose argument is not printed where they stand
    str.split(
        "noopsort SortNoop sortnoop nocite label index hspace vspace color sortas thanks footnote footnotemark"
        " footnotetext phantom hphantom vphantom selectlanguage marginpar begin end includegraphics"
    )
)
VERBATIM = frozenset({"url", "path", "nolinkurl", "verb", "detokenize"})
OF_TWO = {  # which of two arguments is printed
    **dict.fromkeys(
        ("href", "textcolor", "colorbox", "foreignlanguage", "raisebox", "scalebox", "rotatebox", "parbox"), 1
    ),
    "texorpdfstring": 0,
}
AROUND = {
    "enquote": "“”", "enquote*": "‘’", "mkbibquote": "“”", "textquote": "“”", "uv": "„“", "mkbibparens": "()",
    "mkbibbrackets": "[]",
}  # fmt: skip
CASES = {"uppercase": str.upper, "MakeUppercase": str.upper, "lowercase": str.lower, "MakeLowercase": str.lower}
MOVES = frozenset({"kern", "mkern", "raise", "lower", "hskip", "vskip", "penalty", "moveleft", "moveright"})
MOVED_BY = re.compile(r"\s*=?\s*[-+]?[\d.,]*\s*(?:true\s*)?(?:pt|em|ex|cm|mm|in|pc|sp|bp|dd|cc|mu)?\s*")
CODE = re.compile(r"""\s*(?:"(?P<hex>[0-9A-F]+)|'(?P<oct>[0-7]+)|(?P<dec>\d+)|`\\?(?P<sign>[^\\\s]))\s?""")


class Command(NamedTuple):
    """A command that a preamble defines: `#1` … in its body are arguments; `default` is that of an optional one."""

    body: str
    parameters: int = 0
    default: str | None = None


NO_COMMANDS: Mapping[str, Command] = MappingProxyType({})

_DEFINED = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand|DeclareRobustCommand|DeclareTextFontCommand)\*?\s*\{?\s*\\(?P<new>[A-Za-z@]+|.)"
    r"\s*\}?\s*(?:\[(?P<count>\d)\])?\s*(?:\[(?P<default>[^\]]*)\])?\s*(?=\{)"
    r"|\\[egx]?def\s*\\(?P<def>[A-Za-z@]+|.)\s*(?P<parameters>(?:#\d\s*)*)(?=\{)"
    r"|\\let\s*\\(?P<let>[A-Za-z@]+)\s*=?\s*\\(?P<as>[A-Za-z@]+|.)"
)
_DRAWN = re.compile(
    r"\\(?:setbox|o?oalign|ifmmode|vbox|crcr|hss|dimen)(?![A-Za-z])"
)  # what only TeX can say the look of
_MOST = 1000


def defined(preamble: str) -> dict[str, Command]:
    """The commands that a preamble's text defines, by name; of one that is defined twice the last."""
    return dict(list(_definitions(preamble))[-_MOST:])


def _definitions(text: str) -> Iterator[tuple[str, Command]]:
    for found in _DEFINED.finditer(text):
        if found["let"]:
            yield found["let"], Command(f"\\{found['as']} ")
        elif (body := _group(text, found.end())) is not None:
            parameters = int(found["count"] or 0) if found["new"] else (found["parameters"] or "").count("#")
            name = found["new"] or found["def"]
            if not _DRAWN.search(body):
                yield name, Command(body, parameters, found["default"])
            elif parameters and name not in ACCENTS:
                arguments = "".join(f"#{number}" for number in range(1, parameters + 1))
                yield name, Command(arguments, parameters, found["default"])


def _group(text: str, at: int) -> str | None:
    """What stands in the braces that open there, if it is of a length that a definition has."""
    depth = 0
    for brace in re.compile(r"\\.|[{}]", re.S).finditer(text, at, at + 5000):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if not depth and brace.group() == "}":
            return text[at + 1 : brace.start()]
    return None
