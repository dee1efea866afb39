"""One entry in one style, for who asks for it. What an entry says stays; only how it is written changes.

bibtexparser orders and writes the fields. What stands in them is evaluated here: it does not resolve `#`, counts
escaped braces otherwise than BibTeX, and its month reader fails on digits such as "²".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from catalog.bibtex.entry import MONTHS, read
from catalog.bibtex.syntax import Shape, Source, read_block, skip, value_atoms

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


def normalize(text: str, macros: Mapping[str, str] = MONTHS) -> str:
    """An entry in one style, the same for the same content; raises BadBibtex where the text is not one entry.

    Type and field names in lower case, one field a line in a fixed order, values in braces. Changed in the values:
    months become macros, DOIs lose their resolver, page ranges get `--`, one blank stands around the `and` of names,
    and capitals in titles that a style would lower are protected: names like LoRA, BERT and GPT-3, and formulas.
    Macros and `#` stay. Comments between fields, and of two fields of one name the second, which BibTeX ignores, go.
    """
    read(text, macros)
    shape = read_block(Source(text), skip(text, 0))
    fields: dict[str, str] = {}
    for span in shape.fields:
        fields.setdefault(span.name, _value(span.name, text[span.value : span.stop]))
    parts = (text[: shape.start].strip(), _written(shape, fields), text[shape.end :].strip())
    return "\n".join(part for part in parts if part)


def protect(title: str) -> str:
    """The title with braces around what a bibliography style must not put in lower case; what has braces stays."""
    pieces = [found.group() for found in _PIECE.finditer(title)]
    free = _free(title)
    if not any(c.islower() for piece, ours in zip(pieces, free, strict=True) if ours for c in piece):
        return title
    return "".join(_protected(piece) if ours else piece for piece, ours in zip(pieces, free, strict=True))


def _written(shape: Shape, fields: Mapping[str, str]) -> str:
    from bibtexparser.entrypoint import write_string
    from bibtexparser.library import Library
    from bibtexparser.middlewares import SortFieldsCustomMiddleware
    from bibtexparser.model import Entry, Field
    from bibtexparser.writer import BibtexFormat

    style = BibtexFormat()  # type: ignore[no-untyped-call]  # bibtexparser annotates no constructor
    style.indent = "  "
    style.trailing_comma = True
    entry = Entry(shape.type, shape.key, [Field(name, value) for name, value in fields.items()])
    written: str = write_string(Library([entry]), [SortFieldsCustomMiddleware(ORDER)], bibtex_format=style)
    return written.rstrip("\n")


def _value(name: str, raw: str) -> str:
    atoms = [raw[start:stop] for start, stop in value_atoms(Source(raw), 0)]
    if len(atoms) > 1:
        return " # ".join(map(_atom, atoms))
    bare = atoms[0][0] not in '{"'
    if bare and not atoms[0][0].isdecimal():
        return _atom(atoms[0])
    text = atoms[0] if bare else atoms[0][1:-1]
    if name == "month" and (macro := _MONTH_NAMES.get(text.strip().lower())):
        return macro
    return f"{{{_STYLES.get(name, str)(text)}}}"


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
    return " and ".join(names) if all(names) else text


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


_STYLES: Mapping[str, Callable[[str], str]] = {
    "title": protect,
    "subtitle": protect,
    "doi": _doi,
    "pages": _pages,
    **dict.fromkeys(_PEOPLE, _people),
}
