"""The page of the guide that lists every command, and the page for `man`, made from the commands themselves."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import click

HEAD = """\
---
title: Commands
---

# Commands

Every command, as `kb COMMAND --help` says it. `KEY` is a citation key or the beginning of one; keys complete in the
shell after `eval "$(kb completion bash)"`. Exit status: 0, 1 where something is wrong, 2 for a wrong call.
"""


def reference() -> str:
    """The Markdown of the page."""
    from catalog.cli import SECTIONS, cli, commands

    context = click.Context(cli, info_name="kb")
    parts, known = [HEAD], commands()
    for title, names in SECTIONS.items():
        parts.append(f"\n## {title}\n")
        for name in names:
            parts += _command(known[name], name, context)
    return "".join(parts)


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    full = context.command_path
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"\n### `{full}`\n\n```text\n{full} {usage}\n```\n\n{_prose(command.help)}"
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    rows = [record for option in options if (record := option.get_help_record(context))]
    if rows:
        yield "\n| Option | Meaning |\n| --- | --- |\n"
        yield from (f"| <code>{_cell(option)}</code> | {_cell(meaning)} |\n" for option, meaning in rows)
    if command.epilog:
        yield f"\n{_prose(command.epilog)}"
    if isinstance(command, click.Group):
        for inner in command.commands:
            yield from _command(command.commands[inner], inner, context)


def _prose(text: str | None) -> str:
    """Help as Markdown: a paragraph that click keeps as it is becomes a block of code."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    shown = []
    for paragraph in paragraphs:
        if paragraph.startswith("\b"):
            shown.append("```text\n" + inspect.cleandoc(paragraph.removeprefix("\b\n")) + "\n```")
        else:
            shown.append(paragraph.replace("<", "&lt;").replace("*", "\\*"))
    return "\n\n".join(shown) + "\n"


def _cell(text: str) -> str:
    return text.replace("&", "&amp;").replace("|", "&#124;").replace("<", "&lt;")


def manual() -> str:
    """The page for `man kb`, in roff's macros."""
    from catalog import __version__
    from catalog.cli import SECTIONS, cli, commands

    context, known = click.Context(cli, info_name="kb"), commands()
    parts = [
        f'.TH KB 1 "" "readrun {__version__}" "User commands"\n.SH NAME\nkb \\- {_roff(cli.get_short_help_str(200))}\n',
        ".SH SYNOPSIS\n.B kb\n[\\-\\-root FOLDER] COMMAND [ARGUMENTS]\n.SH DESCRIPTION\n", _paragraphs(cli.help),
    ]  # fmt: skip
    for title, names in SECTIONS.items():
        parts.append(f".SH {title.upper()}\n")
        for name in names:
            parts += _entry(known[name], name, context)
    parts.append(
        ".SH EXIT STATUS\n0, 1 where something is wrong, 2 for a wrong call.\n"
        ".SH ENVIRONMENT\n.TP\n.B KB_ROOT\nThe knowledge base, where \\-\\-root does not say it.\n"
        ".SH FILES\n.TP\n.B kb.toml\nMakes its folder a knowledge base, and holds its settings.\n"
        ".TP\n.B papers/KEY.md\nOne paper: facts in front matter, its BibTeX entry, notes.\n"
    )
    return "".join(parts)


def _entry(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_roff(f'{context.command_path} {usage}')}\n{_paragraphs(command.help)}"
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    for option, meaning in filter(None, (option.get_help_record(context) for option in options)):
        yield f".TP\n.B {_roff(option)}\n{_roff(meaning)}\n"
    if isinstance(command, click.Group):
        for inner in command.commands:
            yield from _entry(command.commands[inner], inner, context)


def _paragraphs(text: str | None) -> str:
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "".join(f".PP\n{_lines(paragraph)}\n" for paragraph in paragraphs)


def _lines(paragraph: str) -> str:
    """A paragraph; one that click keeps as it is stays so."""
    if not paragraph.startswith("\b"):
        return _roff(paragraph)
    return f".nf\n{_roff(inspect.cleandoc(paragraph.removeprefix(chr(8)).removeprefix(chr(10))))}\n.fi"


def _roff(text: str) -> str:
    """Text as roff takes it: no line of it is a command, no hyphen is set as another character."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in escaped.split("\n"))


if __name__ == "__main__":
    click.echo(manual() if sys.argv[1:] == ["--man"] else reference(), nl=False)
