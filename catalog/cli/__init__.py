"""`kb`, the command. It parses, asks `Library`, and prints; it is the only part that prints or ends the process.

Heavy imports stand inside the commands, so that `kb --help` and completion cost little more than Python itself.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from catalog import __version__
from catalog.cli.boundary import guarded

SECTIONS = {  # of each command: the module that has it, and the first line of its help
    "Read": {
        "list": ("reading", "List papers, the newest first."),
        "search": ("reading", "Find papers, the best match first."),
        "similar": ("reading", "Find papers that mean the same as a paper or a text."),
        "show": ("reading", "Show one paper: facts, links, notes, BibTeX."),
        "next": ("reading", "Say what to read next, and why."),
        "stats": ("reading", "Show the reading in numbers."),
        "open": ("reading", "Open a link of a paper in the browser."),
    },
    "Collect": {
        "add": ("adding", "Add papers."),
        "import": ("importing", "Take in reading lists and .bib files."),
        "sync": ("syncing", "Let papers follow a list that is edited elsewhere."),
        "complete": ("updating", "Fill in what papers lack: BibTeX, abstract, authors, code …"),
        "update": ("updating", "Look what became of papers: published, retracted …"),
        "attach": ("attaching", "Keep a PDF of a paper."),
        "fetch": ("attaching", "Fetch open copies of papers that have no PDF here."),
        "annotations": ("attaching", "Put what was marked in PDFs into the notes."),
        "edit": ("editing", "Edit a paper file in $EDITOR."),
        "rename": ("editing", "Give a paper another citation key."),
        "duplicates": ("joining", "Show pairs of papers that may be one work, and what differs."),
        "merge": ("joining", "Make one paper of two."),
        "split": ("joining", "Make two papers of one that holds the entries of two works."),
        "rm": ("editing", "Delete papers, notes and all; `kb undo` brings them back."),
    },
    "Mark": {
        "mark-read": ("editing", "Mark papers as read, today or on another day."),
        "mark-reading": ("editing", "Mark papers as being read."),
        "mark-unread": ("editing", "Mark papers as unread."),
        "note": ("editing", "Add a paragraph to the notes of a paper."),
        "due": ("editing", "Set the day by which papers should be read."),
        "rate": ("readers", "Say how good a paper is, from 1 to 10."),
        "queue": ("readers", "Show or change what you want to read next, in its order."),
        "me": ("readers", "Say who you are, where several read one collection."),
        "tag": ("editing", "Add tags to papers, or take some off."),
        "link": ("editing", "Add links to a paper, or take some off."),
    },
    "Take back": {
        "log": ("history", "Show what was changed, the last change first."),
        "undo": ("history", "Take back the last change, or the last N."),
        "redo": ("history", "Make changes again that `kb undo` took back."),
        "resolve": ("resolve", "End a merge that git left open in a paper file."),
    },
    "Run": {
        "impls": ("running", "List the reference implementations."),
        "demo": ("running", "Run a paper's method: before and after."),
        "verify": ("running", "Measure what the papers claim."),
        "bench": ("running", "Compare all methods in one table."),
        "report": ("running", "Show what others got for a paper, or add what you did."),
    },
    "Share": {
        "cite": ("citing", "Cite papers, a line each, in APA, IEEE or another style."),
        "export": ("exporting", "Hand papers on as .bib, CSL, RIS, SQLite, CSV, Markdown …"),
        "site": ("site", "Build or serve the searchable site."),
    },
    "Keep": {
        "init": ("keeping", "Make a knowledge base in FOLDER (the current one)."),
        "check": ("keeping", "Say everything that is wrong, and the remedy."),
        "fmt": ("keeping", "Bring every paper file into canonical form."),
        "schema": ("keeping", "Print the JSON Schema of the front matter."),
        "completion": ("keeping", "Print the completion script of a shell."),
        "trust": ("site", "Agree to what this knowledge base may run."),
        "merge-driver": ("merging", "Merge paper files in git by what they say."),
    },
}


class _Sections(click.Group):
    """A group whose help lists the commands by what one does with them, and that loads the one that is called."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        found = next((names[name] for names in SECTIONS.values() if name in names), None)
        if found and name not in self.commands:
            for command in import_module(f"catalog.cli.{found[0]}").COMMANDS:
                self.add_command(command)
        return super().get_command(ctx, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; a name that there is not is answered with a near one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as e:
            from difflib import get_close_matches

            near = " or ".join(get_close_matches(args[0], self.list_commands(ctx), 2))
            raise click.UsageError(e.message.rstrip(".") + (f"; did you mean {near}?" if near else ""), ctx) from None

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, says) for name, (_, says) in names.items()])


@click.group(cls=_Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--root", metavar="FOLDER", envvar="KB_ROOT", help="The knowledge base, if not the current folder's.")
@click.version_option(__version__, prog_name="kb")
@click.pass_context
def cli(ctx: click.Context, root: str | None) -> None:
    """A reading list as files: typed, checked, searchable, citable.

    A knowledge base is a folder with a kb.toml. KEY is a citation key or the beginning of one.
    """
    ctx.obj = root


def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    with click.Context(cli, info_name="kb") as ctx:
        return {name: one for name in cli.list_commands(ctx) if (one := cli.get_command(ctx, name))}


def main(args: Sequence[str] | None = None) -> None:
    """Run `kb`: exit status 0, 1 for an error, 2 for a wrong call. A user never sees a traceback."""
    if "_KB_COMPLETE" in os.environ:
        from catalog.cli.shell import register

        register()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking whether some are installed takes 10 ms
    gc.set_threshold(100_000)  # a command makes many small things that stay: looking for cycles finds none
    sys.exit(guarded(lambda: cli.main(args, prog_name="kb", standalone_mode=False)))
