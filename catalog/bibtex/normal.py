"""One entry in one style, for who asks for it. What an entry says stays; only how it is written changes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from catalog.bibtex.entry import MONTHS, read
from catalog.bibtex.latex import decode
from catalog.bibtex.modern import modern
from catalog.bibtex.names import in_braces
from catalog.bibtex.syntax import Shape, Source, read_block, skip, value_atoms

if TYPE_CHECKING:
    from pylatexenc.latexencode import UnicodeToLatexEncoder

ORDER = (
    "author", "title", "subtitle", "year", "date", "month", "journal", "journaltitle", "booktitle", "editor",
    "series", "volume", "number", "pages", "edition", "chapter", "publisher", "institution", "school",
    "organization", "address", "location", "howpublished", "doi", "eprint", "archiveprefix", "eprinttype",
    "primaryclass", "eprintclass", "isbn", "issn", "url", "urldate", "note", "keywords", "abstract",
)  # fmt: skip
_PEOPLE = (
    "author", "editor", "editora", "editorb", "editorc", "translator", "annotator", "commentator", "introduction",
    "foreword", "afterword", "bookauthor", "holder", "shortauthor", "shorteditor",
)  # fmt: skip
_MONTH_NAMES = {
    spelling: macro
    for number, (macro, name) in enumerate(MONTHS.items(), start=1)
    for spelling in (macro, f"{macro}.", name.lower(), f"{name.lower()[:4]}.", str(number), f"{number:02}")
} | {"sept": "sep"}

_PLACES = {name: place for place, name in enumerate(ORDER)}
_JOURNALS = frozenset({"journal", "journaltitle"})
_VERBATIM = frozenset({"url", "doi", "eprint", "file", "crossref", "xref", "xdata", "ids", "entryset", "related",
                       "howpublished", "urlraw", "pdf", "verba", "verbb", "verbc"})  # fmt: skip
_ENTITY = re.compile(r"(?<!\\)&amp;")
_SIGN = re.compile(
    r"\$(?:[^$\\]|\\.)*+\$|\\(?:url|href|path|verb)\s*\{[^{}]*\}|\\(?:[A-Za-z]+|.)|(?P<sign>[&%#_])", re.S
)
_OTHER = re.compile(r"[^\x00-\x7f]")
_PUNCTUATION = str.maketrans({"–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "\xa0": "~"})
_RESOLVER = re.compile(r"(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/+|doi:\s*)++(?=10\.)", re.I)
_RANGE = re.compile(
    r"(?P<first>(?P<letter>[A-Za-z]?)\d++[A-Za-z]?+|[ivxlc]++)\s*+(?:-{1,3}+|[‐‒–—−])\s*+"
    r"(?P<last>(?P=letter)\d++[A-Za-z]?+|[ivxlc]++)"
)
_CHUNK = re.compile(r"[^,;\s](?:[^,;]*[^,;\s])?")
_AND = re.compile(r"[{}]|(?<!\s)\s++and(?=\s)", re.I)
_PIECE = re.compile(
    r"(?P<math>\$(?:[^$\\{}]|\\.|\{[^${}]*+\})++\$)|(?P<word>(?:[^\s\\{}$]|\\[&%#_])++)|(?P<other>\\[A-Za-z]++|\\?.)",
    re.S,
)
_NAME_IN_WORD = re.compile(r"(?:[A-Z]\.){2,}+|(?<![\w'’])[A-Z]-[A-Za-z]++|[^\W_]++(?:-\d++(?:\.\d++)*+[a-z]?+(?!\w))?+")


CHANGES = ("months", "dois", "pages", "names", "capitals", "order")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How entries are written.

    `leave` names what stays as it is, of `CHANGES`. `drop` are fields that go, `only` (unless empty) those that stay,
    `first` those that stand before all others. `align` puts the `=` under each other; `escape` writes `&`, `%`, `#`
    and `_` so that LaTeX takes them for letters; `ascii` writes letters that are not ASCII as commands, é as `{\\'e}`,
    where there is one. `journals` gives names of journals others, folded. `biblatex` gives
    types and fields biblatex's names.
    """

    leave: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    first: tuple[str, ...] = ()
    align: bool = False
    escape: bool = False
    ascii: bool = False
    journals: Mapping[str, str] = field(default_factory=dict)
    biblatex: bool = False


def normalize(text: str, macros: Mapping[str, str] = MONTHS, wanted: Wanted = Wanted()) -> str:
    """An entry in one style, the same for the same content; raises BadBibtex where the text is not one entry.

    Type and field names in lower case, one field a line in a fixed order, values in braces. Changed in the values:
    months become macros, DOIs lose their resolver, page ranges get `--`, one blank stands around the `and` of names,
    organisations among them get braces, and capitals in titles that a style would lower are protected: names like LoRA,
    BERT and GPT-3, and formulas. Macros and `#` stay. Of two fields of one name that differ both stay, in their order:
    BibTeX takes the first, biber the last. Comments between fields stand before the entry.
    """
    read(text, macros)
    shape = read_block(Source(text), skip(text, 0))
    found = [(span.name, _value(span.name, text[span.value : span.stop], wanted)) for span in shape.fields]
    kind, fields = shape.type.lower(), list(dict.fromkeys(found))
    if wanted.biblatex:
        kind, fields = modern(kind, fields)
    fields = [pair for pair in fields if pair[0] not in wanted.drop and (not wanted.only or pair[0] in wanted.only)]
    if "order" not in wanted.leave or wanted.first:
        fields.sort(key=lambda pair: _place(pair[0], wanted))
    comments = "\n".join(_comments(text, shape))
    parts = (
        text[: shape.start].strip(),
        comments,
        _written(kind, shape.key, fields, wanted),
        text[shape.end :].strip(),
    )
    return "\n".join(part for part in parts if part)


def _place(name: str, wanted: Wanted) -> tuple[int, int]:
    if name in wanted.first:
        return 0, wanted.first.index(name)
    if "order" in wanted.leave or name not in _PLACES:
        return 1, len(ORDER)
    return 1, _PLACES[name]


def _comments(text: str, shape: Shape) -> Iterator[str]:
    """The comments that stand between the fields of an entry."""
    stops = [shape.key_stop, *(span.stop for span in shape.fields)]
    starts = [*(span.start for span in shape.fields), shape.close]
    for stop, start in zip(stops, starts, strict=True):
        yield from re.findall(r"%[^\n]*\S", text[stop:start])


def protect(title: str) -> str:
    """The title with braces around what a bibliography style must not put in lower case; what has braces stays."""
    pieces = [found.group() for found in _PIECE.finditer(title)]
    free = _free(title)
    if not any(c.islower() for piece, ours in zip(pieces, free, strict=True) if ours for c in piece):
        return title
    return "".join(_protected(piece) if ours else piece for piece, ours in zip(pieces, free, strict=True))


def _written(kind: str, key: str, fields: Iterable[tuple[str, str]], wanted: Wanted) -> str:
    pairs = list(fields)
    width = max((len(name) for name, _ in pairs), default=0) if wanted.align else 0
    return "\n".join([f"@{kind}{{{key},", *(f"  {name.ljust(width)} = {value}," for name, value in pairs), "}"])


def _value(name: str, raw: str, wanted: Wanted) -> str:
    atoms = [raw[start:stop] for start, stop in value_atoms(Source(raw), 0)]
    if len(atoms) > 1:
        return " # ".join(map(_atom, atoms))
    bare = atoms[0][0] not in '{"'
    if bare and not atoms[0][0].isdecimal():
        return _atom(atoms[0])
    text = atoms[0] if bare else atoms[0][1:-1]
    if name == "month" and "months" not in wanted.leave and (macro := _MONTH_NAMES.get(text.strip().lower())):
        return macro
    if name in _JOURNALS and (other := wanted.journals.get(" ".join(text.split()).casefold())):
        text = other
    change, style = _STYLES.get(name, ("", str))
    text = text if change in wanted.leave else style(text)
    text = _escaped(name, text) if wanted.escape else text
    return f"{{{_in_ascii(text) if wanted.ascii and name not in _VERBATIM else text}}}"


def _escaped(name: str, text: str) -> str:
    """The text with the signs that TeX takes for commands as letters; formulas, commands and addresses stay."""
    if name in _VERBATIM:
        return text
    text = _ENTITY.sub(r"\\&", text)
    return _SIGN.sub(lambda found: f"\\{found['sign']}" if found["sign"] else found.group(), text)


def _in_ascii(text: str) -> str:
    """The text with commands for letters and signs; what has no command stays, such as Chinese."""
    text = unicodedata.normalize("NFC", text).translate(_PUNCTUATION)
    return _OTHER.sub(lambda found: _command(found.group()), text)


@cache
def _command(letter: str) -> str:
    command = str(_encoder().unicode_to_latex(letter))
    return command if decode(command) == letter else letter


@cache
def _encoder() -> UnicodeToLatexEncoder:
    from pylatexenc.latexencode import UnicodeToLatexEncoder

    return UnicodeToLatexEncoder(
        non_ascii_only=True, replacement_latex_protection="braces-all", unknown_char_policy="keep",
        unknown_char_warning=False,
    )  # fmt: skip


def _atom(atom: str) -> str:
    return atom.lower() if atom.lower() in MONTHS else atom


def _doi(text: str) -> str:
    found = _RESOLVER.match(text.strip())
    return text.strip()[found.end() :] if found else text


def _pages(text: str) -> str:
    return _CHUNK.sub(_page_range, text)


def _page_range(chunk: re.Match[str]) -> str:
    found = _RANGE.fullmatch(chunk.group())
    return f"{found['first']}--{found['last']}" if found else chunk.group()


def _people(text: str) -> str:
    names, start, depth = [], 0, 0
    text = text.strip()
    for found in _AND.finditer(text):
        if found.group() in "{}":
            depth += 1 if found.group() == "{" else -1
        elif not depth:
            names.append(text[start : found.start()].strip())
            start = found.end()
    names.append(text[start:].strip())
    return " and ".join(map(_braced, names)) if all(names) else text


def _braced(name: str) -> str:
    """The name as it is; of an organisation whose words stand in their order in braces."""
    braced = in_braces(name)
    return braced if braced[1:-1] == name else name


def _free(title: str) -> list[bool]:
    """For each piece of a title whether it may get braces: a word or formula that touches no brace and no command."""
    free: list[bool] = []
    depth, formula, touching = 0, False, False
    for found in _PIECE.finditer(title):
        piece = found.group()
        depth += (piece == "{") - (piece == "}")
        formula ^= piece == "$"
        other = found["other"] is not None
        mark = other and not piece.isspace()
        if mark and free:
            free[-1] = False
        free.append(not (other or depth or formula or touching))
        touching = mark
    return free


def _protected(piece: str) -> str:
    if piece.startswith("$"):
        return f"{{{piece}}}" if any(map(str.isupper, piece)) else piece
    return _NAME_IN_WORD.sub(lambda found: f"{{{found.group()}}}" if _is_name(found.group()) else found.group(), piece)


def _is_name(word: str) -> bool:
    first, rest = word[0], word[1:]
    if re.fullmatch(r"[A-Z]-[A-Za-z]+", word):
        return True
    return any(map(str.isupper, rest)) or (first.isupper() and any(c.isdecimal() for c in rest[:1]))


_STYLES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "title": ("capitals", protect),
    "subtitle": ("capitals", protect),
    "doi": ("dois", _doi),
    "pages": ("pages", _pages),
    **dict.fromkeys(_PEOPLE, ("names", _people)),
}
