"""CSL styles: the ones that come along, and any other `.csl` file."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from xml.etree.ElementTree import Element

from catalog.errors import KbError

NAMES: Mapping[str, str] = {
    "apa": "APA, 7th edition",
    "ieee": "IEEE",
    "acm": "ACM",
    "chicago": "Chicago, author and date",
    "mla": "MLA",
    "vancouver": "Vancouver",
    "nature": "Nature",
    "acl": "ACL",
}
_NAMESPACE = "{http://purl.org/net/xbiblio/csl}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """A style as read: its macros, the layout of its bibliography, terms by (name, form), dates by form, options."""

    macros: Mapping[str, Element]
    layout: Element
    options: Mapping[str, str]
    terms: Mapping[tuple[str, str], tuple[str, str]]
    dates: Mapping[str, Element]
    quotes_outside: bool
    language: str

    def term(self, name: str, form: str = "long", plural: bool = False) -> str:
        """A term of the style's language; where it has not this form, the next longer one; "" where it has none."""
        longer = {"verb-short": "verb", "symbol": "short", "verb": "long", "short": "long"}
        while (name, form) not in self.terms and form in longer:
            form = longer[form]
        return self.terms.get((name, form), ("", ""))[plural]


@lru_cache(maxsize=16)
def named(name: str) -> Style:
    """One of the styles that come along. Raises `KbError` with their names."""
    if name not in NAMES:
        raise KbError(f"no style {name}; there are {', '.join(NAMES)}, or name a .csl file")
    return read_style((files("catalog.citing") / "styles" / f"{name}.csl").read_text(encoding="utf-8"), name)


def read_style(text: str, shown: str) -> Style:
    """A style from the text of a `.csl` file. Raises `KbError` where it is none that makes a bibliography."""
    try:
        root = _bare(ET.fromstring(text))  # noqa: S314 - expat limits what entities may grow to
    except ET.ParseError as error:
        raise KbError(f"{shown}: not XML: {error}") from None
    bibliography = root.find("bibliography")
    layout = bibliography.find("layout") if bibliography is not None else None
    if root.tag != "style" or bibliography is None or layout is None:
        raise KbError(f"{shown}: no CSL style with a bibliography; name an independent style")
    english = _locale()
    own = sorted(_own_locales(root), key=lambda locale: len(locale.get(_LANG, "")))
    places = [english, *own]
    return Style(
        macros={macro.get("name", ""): macro for macro in root.iter("macro")},
        layout=layout,
        options={**root.attrib, **bibliography.attrib},
        terms={key: value for place in places for key, value in _terms(place)},
        dates={date.get("form", ""): date for place in places for date in place.findall("date")},
        quotes_outside=root.get("default-locale", "en-US").startswith("en-GB"),
        language=root.get("default-locale", "en-US"),
    )


@lru_cache(maxsize=1)
def _locale() -> Element:
    text = (files("catalog.citing") / "styles" / "locales-en-US.xml").read_text(encoding="utf-8")
    return _bare(ET.fromstring(text))  # noqa: S314 - it comes along


def _bare(root: Element) -> Element:
    """The tree without its namespace and comments."""
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.removeprefix(_NAMESPACE)
    return root


def _own_locales(root: Element) -> Iterator[Element]:
    for locale in root.findall("locale"):
        if locale.get(_LANG, "en").startswith("en") and locale.get(_LANG) != "en-GB":
            yield locale


def _terms(locale: Element) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for term in locale.iter("term"):
        single, several = term.findtext("single"), term.findtext("multiple")
        one = term.text or "" if single is None else single
        yield (term.get("name", ""), term.get("form", "long")), (one, one if several is None else several)
