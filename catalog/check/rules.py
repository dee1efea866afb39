"""The rules about one paper, whatever stands in others."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.check.attached import attached_rules
from catalog.check.drift import drift_rules
from catalog.check.entries import entry_rules
from catalog.check.papers import file_rules, link_rules
from catalog.check.sheet import Sheet
from catalog.check.world import World
from catalog.errors import Finding


def rules(sheet: Sheet, world: World) -> Iterator[Finding]:
    """All that is wrong with one paper."""
    yield from file_rules(sheet, world)
    yield from entry_rules(sheet, world)
    yield from link_rules(sheet, world)
    yield from drift_rules(sheet, world)
    yield from attached_rules(sheet, world)
