"""Formulas as MathML, made when the site is built: they show without a script, and are read aloud as mathematics."""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from typing import Any

from catalog.pages.escape import html_on_one_line, text

LONGEST = 4000
WIDE = 30  # of TeX; what is longer may have to be moved on a narrow screen
_PLACE = re.compile(r'<(span|div) class="arithmatex">([^<]*)</\1>')
_AFTER = re.compile(r"(<math>(?:(?!</math>).)*</math>[.,;:!?)\]’”]+)")  # no line begins with what ends a sentence
_TAG = re.compile(r"<(/?)(\w+)((?: [^<>]*?)?)/?>")
_SIGN = re.compile(r"<mo(?: [^<>]*)?>([^<>]+)</mo>")
_BREAKS = frozenset("=+−-±×⋅·∘⊗⊕,;≤≥≠≈≡∼≃≅∝→⇒↦⟶∈⊂⊆∧∨") | {"&lt;", "&gt;"}  # behind these a line may end
_ATTRIBUTE = re.compile(r' (\w+)="([\w .,;:%#+-]*)"')
_TAGS = frozenset(
    re.findall(
        r"\w+",
        "math mrow mi mn mo ms mtext mspace msub msup msubsup munder mover munderover mfrac msqrt mroot mtable mtr mtd"
        " mstyle mpadded mphantom mmultiscripts mprescripts menclose",
    )
)
_ATTRIBUTES = frozenset(
    re.findall(
        r"\w+",
        "display displaystyle scriptlevel stretchy symmetric largeop movablelimits lspace rspace form fence separator"
        " minsize maxsize accent accentunder linethickness mathvariant width height depth voffset columnspan rowspan"
        " style class dir",
    )
)


def typeset(markup: str) -> str:
    """HTML with its formulas set: what stands in `<span class="arithmatex">` and the like, in TeX's delimiters."""
    if "arithmatex" not in markup:
        return markup
    return _AFTER.sub(r'<span class="kb-whole">\1</span>', _PLACE.sub(_set, markup))


def math_html(tex: str, block: bool = False) -> str:
    """TeX as MathML on one line; as code, just as written, where it cannot be read."""
    found = _mathml(tex, block)
    if found and block:
        reach = ' tabindex="0" role="group" aria-label="Formula"' if len(tex) > WIDE else ""
        return f'<div class="kb-math"{reach}>{found}</div>'
    if found:
        return _parted(found) if len(tex) > WIDE else found
    source = f'<code class="kb-tex">{text(tex)}</code>'
    return f'<div class="kb-math">{source}</div>' if block else source


def _parted(formula: str) -> str:
    """A formula in several, so that a line can end behind its signs, outside of brackets: none ends within MathML."""
    parts, within, depth, start = [], 0, 0, len("<math>")
    for tag in _TAG.finditer(formula, start, len(formula) - len("</math>")):
        depth += -1 if tag[1] else not tag.group().endswith("/>")
        sign = (
            _SIGN.match(formula, formula.rfind("<mo", 0, tag.start())) if tag.group() == "</mo>" and not depth else None
        )
        if not sign:
            continue
        within += (sign[1] in "([{⟨") - (sign[1] in ")]}⟩")
        if sign[1] in _BREAKS and within <= 0 and sign.start() > start:  # not behind a sign of its own: −x
            parts.append(formula[start : sign.start()] + f'<mo form="infix" stretchy="false">{sign[1]}</mo>')
            start = sign.end()
    return "<wbr>".join(f"<math>{part}</math>" for part in [*parts, formula[start : -len("</math>")]] if part)


def _set(match: re.Match[str]) -> str:
    source = unescape(match[2]).strip()
    block = source.startswith((r"\[", "$$"))
    width = 1 if source.startswith("$") and not block else 2
    shown = math_html(source[width:-width].strip(), block)
    return shown if block or match[1] == "span" else f'<div class="kb-math">{shown}</div>'


@lru_cache(maxsize=4096)
def _mathml(tex: str, block: bool) -> str:
    """The formula, or "" where it is none, or is set with anything but what formulas are made of."""
    from math_core import LatexError

    if len(tex) > LONGEST:
        return ""
    try:
        found: str = _converter().convert_with_local_state(tex, displaystyle=block)
    except LatexError:
        return ""
    clean = all(tag in _TAGS and _is_clean(attributes) for _, tag, attributes in _TAG.findall(found))
    return html_on_one_line(found) if clean and found.count("<") == len(_TAG.findall(found)) else ""


def _is_clean(attributes: str) -> bool:
    """Whether every attribute is one of layout; a name without a value is none."""
    rest = _ATTRIBUTE.sub(lambda m: "" if m[1] in _ATTRIBUTES else m[0], attributes)
    return not rest.strip()


@lru_cache(maxsize=1)
def _converter() -> Any:
    from math_core import LatexToMathML

    return LatexToMathML(fancy_error=False)
