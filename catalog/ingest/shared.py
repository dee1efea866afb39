"""What the entries of .bib files share, kept in one text: `@string`s, `@preamble`s, `@xdata`, comments."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.bibtex import MONTHS, scan, strings
from catalog.errors import BadBibtex, Finding


def merge_shared(have: str, brought: Iterable[str], theirs: bool = False) -> tuple[str, list[Finding]]:
    """The shared text with what is brought: each block once, its bytes untouched.

    A macro that is there already with another value stays (`theirs` replaces it) and is reported as rejected, since
    every entry that uses it would change its meaning. A month may be defined anew only as what it is.
    """
    blocks = [block.text.strip() for block in scan(have) if block.text.strip()]
    macros = {name: i for i, text in enumerate(blocks) for name in values_of(text)}
    there = {_squeeze(text) for text in blocks}
    findings: list[Finding] = []
    for text in brought:
        if _squeeze(text) in there:
            continue
        clash = [name for name in values_of(text) if name in macros]
        if clash and values_of(text) == values_of(blocks[macros[clash[0]]]):
            continue
        if clash and not theirs:
            message = f"@string {clash[0]} is there with another value: {_squeeze(blocks[macros[clash[0]]])}"
            remedy = f"it stays; entries of this file mean {_squeeze(text)}: rename the macro there, or use --theirs"
            findings.append(Finding("string-clash", message, remedy, key=clash[0], kind="rejected"))
            continue
        there.add(_squeeze(text))
        if clash:
            blocks[macros[clash[0]]] = text
            findings.append(Finding("string-clash", f"@string {clash[0]} was replaced", key=clash[0], kind="note"))
        else:
            macros |= dict.fromkeys(values_of(text), len(blocks))
            blocks.append(text)
    return "".join(f"{text}\n\n" for text in blocks).removesuffix("\n"), findings


def macros_of(shared: str) -> dict[str, str]:
    """The values of all macros of a shared text, with the months."""
    macros = dict(MONTHS)
    for block in scan(shared):
        if block.kind == "string":
            try:
                macros.update(strings(block.text, macros))
            except BadBibtex:
                continue
    return macros


def values_of(text: str) -> dict[str, str]:
    """The macros that one `@string` defines, unresolved ones by name; empty for any other block."""
    if not text.lstrip()[:8].lower().replace(" ", "").startswith("@string"):
        return {}
    try:
        return strings(text, MONTHS)
    except BadBibtex:
        return {}


def _squeeze(text: str) -> str:
    return " ".join(text.split())
