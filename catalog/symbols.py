"""What LaTeX's commands without argument stand for. The usual ones are here; the rest is looked up when one is met."""

from __future__ import annotations

import re
from functools import cache

_GREEK = "α β γ δ ε ζ η θ ι κ λ μ ν ξ ο π ρ σ τ υ φ χ ψ ω Γ Δ Θ Λ Ξ Π Σ Υ Φ Ψ Ω"
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi"
    " psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
OPERATORS = frozenset(
    str.split(
        "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup"
        " ln log max min Pr sec sin sinh sup tan tanh poly polylog argmin argmax mod"
    )
)
SYMBOLS = {
    **{c: c for c in "&%_#${}"},
    **dict.fromkeys(" \t\n\\,;:>", " "),
    **dict.fromkeys("-/@!", ""),
    **dict(zip(_GREEK_NAMES.split(), _GREEK.split(), strict=True)),
    "varepsilon": "ε", "vartheta": "ϑ", "varphi": "φ", "varrho": "ϱ", "varsigma": "ς", "ell": "ℓ", "hbar": "ℏ",
    "i": "ı", "j": "ȷ", "aa": "å", "AA": "Å", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø",
    "l": "ł", "L": "Ł", "ss": "ß", "SS": "SS", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ",
    "ng": "ŋ", "NG": "Ŋ", "S": "§", "P": "¶", "pounds": "£", "euro": "€", "texteuro": "€", "copyright": "©",
    "textregistered": "®", "texttrademark": "™", "textdegree": "°", "degree": "°", "dots": "…", "ldots": "…",
    "cdots": "⋯", "dotsc": "…", "textellipsis": "…", "textendash": "–", "textemdash": "—", "emdash": "—", "Dash": "—",
    "dash": "–", "hyphen": "-", "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“", "lq": "‘",
    "rq": "’", "textquotedblright": "”", "textquotesingle": "'", "textquotedbl": '"', "quotedblbase": "„",
    "glqq": "„", "grqq": "“", "flqq": "«", "frqq": "»", "guillemotleft": "«", "guillemotright": "»",
    "guillemetleft": "«", "guillemetright": "»", "textbackslash": "\\", "bs": "\\", "backslash": "\\",
    "textasciitilde": "~", "textasciicircum": "^", "textasciigrave": "`", "textbraceleft": "{", "textbraceright": "}",
    "textbar": "|", "textless": "<", "textgreater": ">", "textunderscore": "_", "textdollar": "$", "lbrack": "[",
    "rbrack": "]", "textperiodcentered": "·", "textbullet": "•", "textmu": "µ", "micro": "µ", "texttimes": "×",
    "cprime": "′", "cdprime": "″", "cydot": "·", "Dbar": "Đ", "dbar": "đ", "lasp": "ʻ", "rasp": "ʼ",
    "slash": "/", "lbrace": "{", "rbrace": "}", "space": " ", "quad": " ", "qquad": " ", "newline": " ", "enspace": " ",
    "linebreak": " ", "par": " ", "thinspace": " ", "nobreakspace": " ", "TeX": "TeX", "LaTeX": "LaTeX",
    "BibTeX": "BibTeX", "LaTeXe": "LaTeX2ε", "POSTSCRIPT": "PostScript", "times": "×", "cdot": "·", "pm": "±",
    "mp": "∓", "infty": "∞", "to": "→", "rightarrow": "→", "leftarrow": "←", "leftrightarrow": "↔", "Rightarrow": "⇒",
    "mapsto": "↦", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "~",
    "simeq": "≃", "cong": "≅", "equiv": "≡", "propto": "∝", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆",
    "cup": "∪", "cap": "∩", "setminus": "∖", "emptyset": "∅", "forall": "∀", "exists": "∃", "partial": "∂",
    "nabla": "∇", "sum": "∑", "prod": "∏", "int": "∫", "ast": "*", "star": "⋆", "circ": "∘", "bullet": "•",
    "otimes": "⊗", "oplus": "⊕", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈",
    "rceil": "⌉", "vert": "|", "mid": "|", "Vert": "‖", "|": "‖", "prime": "′", "ll": "≪", "gg": "≫", "perp": "⊥",
    "dagger": "†", "ddagger": "‡", "dag": "†", "ddag": "‡", "sharp": "♯", "flat": "♭", "natural": "♮", "ohm": "Ω",
    "celsius": "℃", "checkmark": "✓", "cmark": "✓", "xmark": "✗", "circledR": "®",
}  # fmt: skip
_SAFE = re.compile(r"[^\x00-\x7f]{1,3}|[*+<=>|/-]")


def symbol(name: str) -> str | None:
    """What a command stands for, by its name without the backslash; None where it is not known."""
    found = SYMBOLS.get(name)
    if found is not None or not name.isalpha():
        return found
    return _rest().get(name) or _of_text_font(name)


def _of_text_font(name: str) -> str | None:
    """`\\textalpha` and its like: a symbol set in the text's own font."""
    return symbol(name[4:]) if len(name) > 5 and name.startswith("text") else None


@cache
def _rest() -> dict[str, str]:
    """Some two thousand more, from pylatexenc's tables; loaded once a command is met that is not above."""
    from pylatexenc.latex2text import get_default_latex_context_db
    from pylatexenc.latexencode import get_builtin_uni2latex_dict

    found = {}
    for code, latex in get_builtin_uni2latex_dict().items():
        if command := re.fullmatch(r"(?:\\ensuremath)?\{?\\([A-Za-z]+)\}?\s*", latex):
            found[command[1]] = chr(code)
    specs = get_default_latex_context_db().iter_macro_specs()
    shown = ((spec.macroname, spec.simplify_repl) for spec in specs)
    return found | {name: text for name, text in shown if isinstance(text, str) and _SAFE.fullmatch(text)}
