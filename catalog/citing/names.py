"""How a style writes names: order, initials, particles, "and", "et al."."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from catalog.citing.case import cased
from catalog.citing.pieces import FONTS, Piece, Pieces, content, joined, marked
from catalog.citing.style import Style
from catalog.facts import is_han

Person = Mapping[str, Any]
_Dress = Callable[[str, str], Pieces]  # of a text, and which part of a name it is
_ABBREVIATED = re.compile(r"[^\W\d_][^\W\d_A-Z]{1,2}\.")  # "Yu.", "Ph.": an initial of its own
_OPTIONS = (
    "and", "delimiter-precedes-et-al", "delimiter-precedes-last", "et-al-min", "et-al-use-first", "et-al-use-last",
    "initialize", "initialize-with", "name-as-sort-order", "sort-separator",
)  # fmt: skip


def options(style: Style, name: Element | None) -> dict[str, str]:
    """What holds for a `name` element: its own attributes, else those of the bibliography and the style."""
    own = name.attrib if name is not None else {}
    found = {option: style.options[option] for option in _OPTIONS if option in style.options}
    inherited = {"form": style.options.get("name-form", "long"), "delimiter": style.options.get("name-delimiter", ", ")}
    return {"sort-separator": ", ", **inherited, **found, **own}


def writing(style: Style, name: Element | None, et_al: Element | None) -> Callable[[Sequence[Person]], Pieces]:
    """Writes the names of one role in a row."""
    option, dress = options(style, name), _dressing(name)
    least, shown = int(option.get("et-al-min", 0)), int(option.get("et-al-use-first", 1))

    def written(people: Sequence[Person]) -> Pieces:
        others = len(people) > 1 and people[-1].get("literal") == "others"
        folk = people[:-1] if others else people
        cut = bool(least) and len(folk) >= least and shown < len(folk)
        first = folk[:shown] if cut else folk
        parts = [_one(style, person, option, number, dress) for number, person in enumerate(first)]
        if cut and option.get("et-al-use-last") == "true" and shown <= len(folk) - 2:
            last = _one(style, folk[-1], option, shown, dress)
            return [*joined(parts, option["delimiter"]), Piece(option["delimiter"] + "… "), *last]
        if cut or others:
            return _with_et_al(style, parts, option, et_al)
        return _with_and(style, parts, option)

    return written


def _with_et_al(style: Style, parts: list[Pieces], option: Mapping[str, str], et_al: Element | None) -> Pieces:
    term = style.term(et_al.get("term", "et-al") if et_al is not None else "et-al")
    pieces = [Piece(term)]
    if et_al is not None and (font := FONTS.get(et_al.get("font-style", ""))):
        pieces = marked(pieces, font)
    rule = option.get("delimiter-precedes-et-al", "contextual")
    inverted = rule == "after-inverted-name" and _inverted(option, len(parts) - 1)
    delimited = rule == "always" or inverted or (rule == "contextual" and len(parts) > 1)
    return [*joined(parts, option["delimiter"]), Piece(option["delimiter"] if delimited else " "), *pieces]


def _with_and(style: Style, parts: list[Pieces], option: Mapping[str, str]) -> Pieces:
    word = {"text": style.term("and"), "symbol": "&"}.get(option.get("and", ""))
    if not word or len(parts) < 2:
        return joined(parts, option["delimiter"])
    rule = option.get("delimiter-precedes-last", "contextual")
    inverted = rule == "after-inverted-name" and _inverted(option, len(parts) - 2)
    delimited = rule == "always" or inverted or (rule == "contextual" and len(parts) > 2)
    between = f"{option['delimiter'].rstrip() if delimited else ''} {word} "
    return [*joined(parts[:-1], option["delimiter"]), Piece(between), *parts[-1]]


def _inverted(option: Mapping[str, str], number: int) -> bool:
    order = option.get("name-as-sort-order")
    return order == "all" or (order == "first" and not number)


def _one(style: Style, person: Person, option: Mapping[str, str], number: int, dress: _Dress) -> Pieces:
    if literal := person.get("literal"):
        return dress(str(literal), "family")
    parts = {part: str(person.get(part) or "") for part in ("given", "family", "suffix")}
    particle, dropping = (str(person.get(f"{kind}-particle") or "") for kind in ("non-dropping", "dropping"))
    if is_han(parts["family"]) and not re.search("[A-Za-z]", parts["given"]):
        return dress(parts["family"] + parts["given"], "family")
    if not parts["family"]:
        return dress(parts["given"], "family")
    if option["form"] == "short":
        return dress(_spaced(particle, parts["family"]), "family")
    given = _initials(parts["given"], option, style.options.get("initialize-with-hyphen", "true") == "true")
    if not _inverted(option, number):
        whole = dress(_spaced(dropping, particle, parts["family"]), "family")
        return joined([p for p in (dress(given, "given"), whole, _suffix(parts["suffix"], option)) if p], " ")
    demoted = style.options.get("demote-non-dropping-particle", "display-and-sort") == "display-and-sort"
    family = parts["family"] if demoted else _spaced(particle, parts["family"])
    given = _spaced(given, dropping, particle if demoted else "")
    order = (dress(family, "family"), dress(given, "given"), _suffix(parts["suffix"], option))
    first = joined([p for p in order[:2] if p], option["sort-separator"])
    return joined([p for p in (first, order[2]) if p], option["sort-separator"])


def _dressing(name: Element | None) -> _Dress:
    """Gives a part of a name the case and the fonts that the style has for it."""
    found: dict[str, list[Element]] = {}
    for element in name.findall("name-part") if name is not None else ():
        found.setdefault(element.get("name", ""), []).append(element)

    def dress(text: str, part: str) -> Pieces:
        pieces = content(text)
        for element in found.get(part, ()):
            pieces = cased(pieces, element.get("text-case", ""), True) if element.get("text-case") else pieces
            for value in element.attrib.values():
                pieces = marked(pieces, FONTS[value]) if value in FONTS else pieces
        return pieces

    return dress


def _spaced(*parts: str) -> str:
    """Parts with blanks between; none behind `d’` and `al-`."""
    out = ""
    for part in filter(None, parts):
        out += part if not out or out[-1] in "'’-" else f" {part}"
    return out


def _initials(given: str, option: Mapping[str, str], hyphens: bool) -> str:
    """The given names as initials, where the style has them so; small words stay, small parts of a name go."""
    sign = option.get("initialize-with")
    if sign is None:
        return given
    words = [word for word in re.split(r"\s+", re.sub(r"\.(?=[^\s.-])", ". ", given)) if word]
    if option.get("initialize") == "false":
        return "".join(
            f"{word[0]}{sign}" if re.fullmatch(r"[^\W\d_]\.?", word) else f"{word} " for word in words
        ).strip()
    out = ""
    for word in words:
        if not word[0].isupper():
            out = f"{out.rstrip()} {word} " if out else f"{word} "
            continue
        if _ABBREVIATED.fullmatch(word):
            out += word[:-1] + sign
            continue
        heads = [part[0] for part in word.split("-") if part and (part[0].isupper() or not part[0].islower())]
        out += f"{sign.strip()}{'-' if hyphens else ''}".join(heads) + sign
    return out.strip()


def _suffix(text: str, option: Mapping[str, str]) -> Pieces:
    """ "Jr."; without its stop where initials have none."""
    return content(text.replace(".", "") if option.get("initialize-with") == "" else text)
