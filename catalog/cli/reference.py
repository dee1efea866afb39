"""The page of the guide that lists every command, made from the commands themselves."""

from __future__ import annotations

import inspect
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
        yield from (f"| `{_cell(option)}` | {_cell(meaning)} |\n" for option, meaning in rows)
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
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    click.echo(reference(), nl=False)
