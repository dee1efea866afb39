"""Two changes of one entry in one text: field by field, each as it was written."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from catalog.bibtex.syntax import FieldSpan, GrammarError, Shape, Source, read_block


class _Entry(NamedTuple):
    text: str
    shape: Shape
    fields: Mapping[str, FieldSpan]

    @property
    def head(self) -> str:
        return self.text[: self.shape.key_stop]

    @property
    def between(self) -> str:
        """What stands between and behind the fields, such as comments."""
        starts = [*(span.start for span in self.shape.fields), len(self.text)]
        stops = [self.shape.key_stop, *(span.stop for span in self.shape.fields)]
        parts = (self.text[stop:start] for stop, start in zip(stops, starts, strict=True))
        return "".join("".join(parts).replace(",", "").split())

    def value(self, name: str) -> str:
        """A field as it is written, its name apart; "" where it does not stand there."""
        span = self.fields.get(name)
        return self.text[span.value : span.stop] if span else ""


def united(was: str, mine: str, other: str) -> tuple[str, str] | None:
    """My entry with what another changed since `was`: with my value of a field that both changed, and with theirs.

    None where the texts are not one entry each, or both changed its type and key, or what stands between the fields.
    """
    entries = [_entry(text) for text in (was, mine, other)]
    if None in entries:
        return None
    before, own, their = (entry for entry in entries if entry)
    if not _agree(before.head, own.head, their.head) or before.between != their.between:
        return None
    changed = {name for name in {**before.fields, **their.fields} if before.value(name) != their.value(name)}
    agreed = {name for name in changed if _agree(before.value(name), own.value(name), their.value(name))}
    return _with(before, own, their, agreed), _with(before, own, their, changed)


def _with(before: _Entry, own: _Entry, their: _Entry, changed: Collection[str]) -> str:
    """My entry with these fields as another has them."""
    edits = [_edit(own, their, name) for name in their.fields if name in changed]
    edits += [_edit(own, their, name) for name in own.fields if name in changed and name not in their.fields]
    text = own.text
    for start, stop, new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[stop:]
    return text if own.head == their.head or own.head != before.head else their.head + text[len(own.head) :]


def _entry(text: str) -> _Entry | None:
    """A text that is one entry with each field once, and nothing else."""
    try:
        shape = read_block(Source(text), 0)
    except GrammarError:
        return None
    fields = {span.name: span for span in shape.fields}
    alone = not text[shape.end :].strip() and len(fields) == len(shape.fields)
    return _Entry(text, shape, fields) if alone else None


def _agree(before: str, mine: str, other: str) -> bool:
    return mine == other or before in (mine, other)


def _edit(own: _Entry, their: _Entry, name: str) -> tuple[int, int, str]:
    """What has to stand where in my text, so that the field is as theirs."""
    here, there = own.fields.get(name), their.fields.get(name)
    if there is None:
        stops = [own.shape.key_stop, *(span.stop for span in own.shape.fields)]
        before = max(stop for stop in stops if here and stop <= here.start)
        return before, here.stop if here else before, ""
    if here is None:
        at = max([own.shape.key_stop, *(span.stop for span in own.shape.fields)])
        stops = [their.shape.key_stop, *(span.stop for span in their.shape.fields)]
        before = max(stop for stop in stops if stop <= there.start)
        return at, at, their.text[before : there.stop]
    return here.value, here.stop, their.value(name)
