"""The command that follows lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.cli.importing import as_json_of, report, sources_of, walked
from catalog.cli.options import dry_run_option, json_option, readings_option
from catalog.errors import KbError
from catalog.files import stays_within

if TYPE_CHECKING:
    from catalog.errors import Finding
    from catalog.library import Library


@click.command()
@click.argument("lists", nargs=-1, metavar="[LIST]...")
@click.option("--prune", is_flag=True, help="Remove papers that left their list and have nothing of yours.")
@dry_run_option
@readings_option
@json_option
@click.pass_context
def sync(
    ctx: click.Context, lists: tuple[str, ...], prune: bool, dry_run: bool, readings: dict[str, int], as_json: bool
) -> None:
    """Let papers follow a list that is edited elsewhere.

    What changed in LIST, a file or an address, since it was last read goes into its papers: entries added, moved to
    another section, corrected, ticked. What you changed here stays; where both changed one thing, both are shown.
    Without LIST those of kb.toml (`lists`) are followed, or else every list that was read before.
    """
    library = out.library(ctx)
    unread: list[Finding] = []
    named = lists or _known(library)
    sources = list(sources_of(named, library, unread))
    unread = [one for one in unread if one.kind != "note"]  # what it passes by, an import has said
    done = library.sync(sources, prune=prune, dry_run=dry_run, readings=readings)
    changed = walked(done.done, named)
    if as_json:
        out.echo_json({**as_json_of(changed), "left": list(done.left), "pruned": list(done.pruned)})
    else:
        for key in done.left:
            out.echo(f"left its list: {key} (`kb sync --prune` removes it if nothing of yours hangs on it)")
        for key in done.pruned:
            out.echo(f"{'would remove' if dry_run else 'removed'}: {key}")
        report(changed, "changed")
    out.findings(unread, err=True)
    ctx.exit(0 if changed.whole and not unread else 1)


def _known(library: Library) -> list[str]:
    """The lists that are followed without being named."""
    places = list(library.store.config.lists) or library.followed()
    if not places:
        raise KbError('no list to follow; name one, or write `lists = ["README.md"]` into kb.toml')
    away = [place for place in places if "://" in place]
    paths = [library.root / place for place in places if "://" not in place]
    for path in paths:
        stays_within(path, library.root)
    if missing := next((path for path in paths if not path.exists()), None):
        raise KbError(f"{missing}: no such list; name the one that took its place, or correct `lists` in kb.toml")
    here = Path.cwd()
    return [*away, *(str(path.relative_to(here)) if path.is_relative_to(here) else str(path) for path in paths)]


COMMANDS = (sync,)
