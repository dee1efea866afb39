"""`kb`, the command. It parses, asks `Library`, and prints; it is the only part that prints or ends the process.

Heavy imports stand inside the commands, so that `kb --help` and completion cost little more than Python itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from catalog import __version__
from catalog.cli import (
    citing,
    editing,
    exporting,
    history,
    joining,
    keeping,
    merging,
    moving,
    reading,
    resolve,
    running,
    site,
)
from catalog.cli.boundary import guarded

SECTIONS = {
    "Read": ("list", "search", "show", "next", "stats", "open"),
    "Collect": ("add", "import", "edit", "rename", "duplicates", "merge", "split", "rm"),
    "Mark": ("mark-read", "mark-reading", "mark-unread", "note", "due", "tag", "link"),
    "Take back": ("log", "undo", "redo", "resolve"),
    "Run": ("impls", "demo", "verify", "bench"),
    "Share": ("cite", "export", "site"),
    "Keep": ("init", "check", "fmt", "schema", "completion", "trust", "merge-driver"),
}


class _Sections(click.Group):
    """A group whose help lists the commands by what one does with them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in SECTIONS.items():
            with formatter.section(title):
                rows = [(name, self.commands[name].get_short_help_str(60)) for name in names]
                formatter.write_dl(rows)


@click.group(cls=_Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--root", metavar="FOLDER", envvar="KB_ROOT", help="The knowledge base, if not the current folder's.")
@click.version_option(__version__, prog_name="kb")
@click.pass_context
def cli(ctx: click.Context, root: str | None) -> None:
    """A reading list as files: typed, checked, searchable, citable.

    A knowledge base is a folder with a kb.toml. KEY is a citation key or the beginning of one.
    """
    ctx.obj = root


for _module in (
    reading,
    editing,
    joining,
    history,
    resolve,
    running,
    citing,
    moving,
    exporting,
    keeping,
    site,
    merging,
):
    for _command in _module.COMMANDS:
        cli.add_command(_command)


def main(args: Sequence[str] | None = None) -> None:
    """Run `kb`: exit status 0, 1 for an error, 2 for a wrong call. A user never sees a traceback."""
    if "_KB_COMPLETE" in os.environ:
        from catalog.cli.completing import register

        register()
    sys.exit(guarded(lambda: cli.main(args, prog_name="kb", standalone_mode=False)))
