"""How a style writes names: order, initials, particles, "and", "et al."."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from catalog.citing.case import cased
from catalog.citing.pieces import FONTS, Piece, Pieces, content, joined, marked
from catalog.citing.style import Style
from catalog.facts import is_han

Person = Mapping[str, Any]
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


def written(style: Style, people: Sequence[Person], name: Element | None, et_al: Element | None) -> Pieces:
    """The names of one role in a row."""
    option = options(style, name)
    others = len(people) > 1 and people[-1].get("literal") == "others"
    folk = people[:-1] if others else people
    least, shown = int(option.get("et-al-min", 0)), int(option.get("et-al-use-first", 1))
    cut = bool(least) and len(folk) >= least and shown < len(folk)
    first = folk[:shown] if cut else folk
    parts = [_one(style, person, option, number, name) for number, person in enumerate(first)]
    if cut and option.get("et-al-use-last") == "true" and shown <= len(folk) - 2:
        last = _one(style, folk[-1], option, shown, name)
        return [*joined(parts, option["delimiter"]), Piece(option["delimiter"] + "… "), *last]
    if cut or others:
        return _with_et_al(style, parts, option, et_al)
    return _with_and(style, parts, option)


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


def _one(style: Style, person: Person, option: Mapping[str, str], number: int, name: Element | None) -> Pieces:
    if literal := person.get("literal"):
        return _formatted(str(literal), "family", name)
    parts = {part: str(person.get(part) or "") for part in ("given", "family", "suffix")}
    particle, dropping = (str(person.get(f"{kind}-particle") or "") for kind in ("non-dropping", "dropping"))
    if is_han(parts["family"]) and not re.search("[A-Za-z]", parts["given"]):
        return _formatted(parts["family"] + parts["given"], "family", name)
    if not parts["family"]:
        return _formatted(parts["given"], "family", name)
    if option["form"] == "short":
        return _formatted(_spaced(particle, parts["family"]), "family", name)
    given = _initials(parts["given"], option, style.options.get("initialize-with-hyphen", "true") == "true")
    if not _inverted(option, number):
        whole = _formatted(_spaced(dropping, particle, parts["family"]), "family", name)
        return joined(
            [p for p in (_formatted(given, "given", name), whole, _suffix(parts["suffix"], option)) if p], " "
        )
    demoted = style.options.get("demote-non-dropping-particle", "display-and-sort") == "display-and-sort"
    family = parts["family"] if demoted else _spaced(particle, parts["family"])
    given = _spaced(given, dropping, particle if demoted else "")
    order = (_formatted(family, "family", name), _formatted(given, "given", name), _suffix(parts["suffix"], option))
    first = joined([p for p in order[:2] if p], option["sort-separator"])
    return joined([p for p in (first, order[2]) if p], option["sort-separator"])


def _formatted(text: str, part: str, name: Element | None) -> Pieces:
    pieces = content(text)
    for element in name.findall("name-part") if name is not None else ():
        if element.get("name") == part:
            pieces = cased(pieces, element.get("text-case", ""), True) if element.get("text-case") else pieces
            for value in element.attrib.values():
                pieces = marked(pieces, FONTS[value]) if value in FONTS else pieces
    return pieces


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
