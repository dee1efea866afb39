"""A damaged value, mended: its braces and quotes, and those that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from catalog.bibtex.syntax import GrammarError, Source, value_atoms

_BRACE = re.compile(r"[{}]")
_ESCAPED = re.compile(r"(?<!\\)\\([{}])")
_QUOTES = "“”„‟"


class Edit(NamedTuple):
    """One change: `text[at:stop]` becomes `put`. `code`, `message` and `remedy` tell of it; "" tells of nothing."""

    at: int
    stop: int
    put: str
    code: str = ""
    message: str = ""
    remedy: str = ""
    deep: bool = False  # whether it decides which brace belongs to what


def value_edit(name: str, at: int, chunk: str) -> Edit | None:
    """What makes a value of a text that should be one; an Edit without a code where it is one already."""
    stop = at + len(chunk)
    if not chunk:
        return None
    if is_value(chunk):
        return Edit(at, stop, chunk)
    for mended, code, message, remedy, deep in _mended_values(name, chunk):
        if is_value(mended):
            return Edit(at, stop, mended, code, message, remedy, deep or "@" in chunk)
    return None


def _mended_values(name: str, chunk: str) -> Iterator[tuple[str, str, str, str, bool]]:
    lowest, final = _depths(chunk)
    opening, closing = "{" * max(0, -lowest), "}" * max(0, final - min(0, lowest))
    if (opening or closing) and _ESCAPED.search(chunk):
        named = _ESCAPED.sub(lambda m: r"\textbraceleft{}" if m[1] == "{" else r"\textbraceright{}", chunk)
        message = rf"the braces of '{name}' do not match: BibTeX counts \{{ and \}} too"
        yield named, "lone-brace", message, r"\textbraceleft{} or \textbraceright{} was put instead", False
    if chunk[0] in _QUOTES or chunk[0] == '"':
        inner = chunk[1:-1] if len(chunk) > 1 and (chunk[-1] in _QUOTES or chunk[-1] == '"') else chunk[1:]
        code = "bad-quotes" if chunk[0] == '"' else "smart-quotes"
        what = "the quotes do not match" if chunk[0] == '"' else "typographic quotes stand"
        mended = f"{{{opening}{inner}{closing}}}"
        yield mended, code, f"{what} around the value of '{name}'", "braces were put instead", code == "bad-quotes"
    if final < 0 and chunk.endswith("}" * -final):
        yield chunk[:final], "extra-brace", f"an extra '}}' after the value of '{name}'", "it was removed", True
    if "#" in chunk and '"' in chunk:
        return
    mended = opening + chunk + closing
    if opening or closing:
        code, what = ("missing-open-brace", "opened") if opening else ("missing-close-brace", "closed")
        message, remedy = f"a brace in '{name}' is not {what}", f"a '{(opening or closing)[0]}' was added"
        yield mended, code, message, remedy, True
        yield f"{{{mended}}}", code, message, "braces were added", True
    message = f"the value of '{name}' has neither braces nor quotes around it"
    if chunk[0] in '{"':
        message = f"the value of '{name}' goes on after its end"
    yield f"{{{chunk}}}", "bare-value", message, "braces were added around it", "{" in chunk


def is_value(text: str) -> bool:
    """Whether a text is one value and nothing else."""
    try:
        return value_atoms(Source(text), 0)[-1][1] == len(text)
    except GrammarError:
        return False


def _depths(text: str) -> tuple[int, int]:
    """The lowest and the last depth of braces in a text."""
    lowest = depth = 0
    for brace in _BRACE.findall(text):
        depth += 1 if brace == "{" else -1
        lowest = min(lowest, depth)
    return lowest, depth
