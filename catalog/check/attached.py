"""The rule about papers whose PDF is not in `files/`."""

from __future__ import annotations

from collections.abc import Iterator

from catalog import attached
from catalog.check.sheet import Sheet
from catalog.check.world import World
from catalog.errors import Finding


def attached_rules(sheet: Sheet, world: World) -> Iterator[Finding]:
    """A note for each PDF that a paper links to and that is not here: git does not carry them to another's clone."""
    for name in attached.names(world.store, sheet.paper.links):
        if not world.has_pdf(name):
            remedy = f"`kb fetch key:{sheet.paper.key}` may bring it, or attach it again"
            message = f"{attached.FOLDER}/{name} is not here"
            yield sheet.finding("file-gone", message, remedy, sheet.front_line("links"))
