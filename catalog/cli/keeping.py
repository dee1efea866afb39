"""Commands that keep a knowledge base in order: init, check, fmt, schema, completion."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.cli.options import json_option

if TYPE_CHECKING:
    from catalog.errors import Finding


@click.command()
@click.argument("folder", default="")
@click.option("--title", default="", help="The name of the collection, shown on its site.")
@click.option("--github", is_flag=True, help="Add what checks it on GitHub and publishes its site; also later.")
@click.pass_context
def init(ctx: click.Context, folder: str, title: str, github: bool) -> None:
    """Make a knowledge base in FOLDER (the current one).

    With --root and no FOLDER, it is made there. --github writes a workflow that checks each push, publishes the site of
    main to Pages and keeps that of a pull request to look at, and a configuration of pre-commit; also where there is a
    knowledge base already. What is there stays.
    """
    from catalog.library import Library

    where = folder or ctx.find_root().obj or "."
    there = github and Library.is_at(where)
    library = Library.open(where) if there else Library.init(where, title)
    if not there:
        if around := next(filter(Library.is_at, library.root.parents), None):
            out.note(f"it lies within {around}, a knowledge base too, which reads none of its papers")
        out.echo(f"made {library.root}")
        click.echo("next: kb import LIST.md, kb import LIBRARY.bib, or kb add 2106.09685")
    if github:
        written, kept = library.on_github()
        for name in written:
            out.echo(f"wrote {name}")
        for name in kept:
            out.echo(f"{name} is there already and differs; it stays as it is", err=True)
        click.echo("next: on GitHub, Settings, Pages, Source: GitHub Actions; here, pre-commit install", err=True)


@click.command()
@click.option("--fix", is_flag=True, help="Mend what is safe to mend.")
@click.option("--links", is_flag=True, help="Ask every link whether it is alive (uses the network).")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github"]),
    default="text",
    show_default=True,
    help="github: as annotations on the lines of a pull request.",
)
@json_option
@click.pass_context
def check(ctx: click.Context, fix: bool, links: bool, form: str, as_json: bool) -> None:
    """Say everything that is wrong, and the remedy.

    Each finding with file and line; exit status 1 if there is an error, so that it serves as a pre-commit hook.
    """
    library = out.library(ctx)
    fixed, remaining = library.fix() if fix else ((), library.check())
    found = [*remaining, *(library.check_links() if links else ())]
    wrong = sum(finding.kind == "error" for finding in found)
    if as_json:
        out.echo_json({"fixed": [f.as_dict() for f in fixed], "findings": [f.as_dict() for f in found]})
    else:
        for finding in fixed:
            out.echo(f"fixed: {finding.where}: {finding.message}")
        for finding in found:
            out.echo(_annotation(finding, library.root) if form == "github" else _line(finding))
        papers = out.as_count(library.index().size() + len(library.unreadable()), "paper")
        notes = len(found) - wrong
        ending = f", {out.as_count(notes, 'note')}" if notes else ""
        click.echo(f"{papers}: {out.as_count(wrong, 'error') if wrong else 'nothing wrong'}{ending}", err=True)
    ctx.exit(1 if wrong else 0)


def _line(finding: Finding) -> str:
    return f"{'note: ' if finding.kind == 'note' else ''}{finding}"


def _annotation(finding: Finding, root: Path) -> str:
    """The finding as a command of GitHub's workflows, which knows files from where the repository was checked out."""
    repository = Path(os.environ.get("GITHUB_WORKSPACE") or root)
    above = root.relative_to(repository).as_posix() if root.is_relative_to(repository) else "."
    path = finding.path if above == "." or not finding.path else f"{above}/{finding.path}"
    place = f" file={_escaped(path, ':,')}" + (f",line={finding.line}" if finding.line else "") if path else ""
    said = f"{finding.message}; {finding.remedy}" if finding.remedy else finding.message
    return f"::{'notice' if finding.kind == 'note' else 'error'}{place}::{_escaped(said)}"


def _escaped(value: str, more: str = "") -> str:
    """A value as the commands of a workflow want it: what would end it in %XX."""
    return "".join(f"%{ord(c):02X}" if c in "%\r\n" + more else c for c in value)


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 if a file is not canonical.")
@click.pass_context
def fmt(ctx: click.Context, only_check: bool) -> None:
    """Bring every paper file into canonical form."""
    library = out.library(ctx)
    stale = library.fmt(write=not only_check)
    for file in stale:
        out.echo(library.store.shown(file))
    ctx.exit(1 if only_check and stale else 0)


@click.command()
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write it there, such as catalog.schema.json.")
@click.option("--records", is_flag=True, help="Of what --json prints of a paper, instead.")
def schema(output: Path | None, records: bool) -> None:
    """Print the JSON Schema of the front matter.

    Editors complete and check paper files with it.
    """
    from catalog.library import Library

    text = Library.schema(records)
    if output:
        from catalog.store.beside import write_out

        write_out(output, text.encode())
        click.echo(f"wrote {output}", err=True)
    else:
        click.echo(text, nl=False)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    Put eval "$(kb completion bash)" into ~/.bashrc, or the like for zsh and fish.
    """
    from click.shell_completion import get_completion_class

    from catalog.cli.shell import register

    register()
    kind = get_completion_class(shell)
    assert kind
    click.echo(kind(ctx.find_root().command, {}, "kb", "_KB_COMPLETE").source())


COMMANDS = (init, check, fmt, schema, completion)
