"""The command that ends a merge which git could not finish: resolve."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from catalog.cli import out
from catalog.cli.options import key_argument
from catalog.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.sides import Choice, Difference

_WORDS = ("ours", "theirs", "both")


@click.command()
@key_argument(required=False)
@click.option("--reader", metavar="NAME", help="Of what this reader says, in place of a paper.")
@click.option("--ours", "whole", flag_value="ours", help="Take our side wherever they differ.")
@click.option("--theirs", "whole", flag_value="theirs", help="Take theirs.")
@click.option(
    "--take", "chosen", multiple=True, metavar="FIELD=WORD", help="ours, theirs or both for a field (repeatable)."
)
@click.pass_context
def resolve(
    ctx: click.Context, key: str | None, reader: str | None, whole: Choice | None, chosen: tuple[str, ...]
) -> None:
    """End a merge that git left open in a paper file.

    Shows both sides and asks for each field that differs; in a pipe, --take or a side must say it.

    Links, tags, notes and other lists may be taken from both. --reader NAME does so for readers/NAME.toml, whose fields
    are named KEY.status, KEY.due, KEY.rating and queue.
    """
    from catalog.sides import differences, reader_differences

    if (key is None) == (reader is None):
        raise click.UsageError("give the KEY of a paper, or a --reader")
    library = out.library(ctx)
    if reader is not None:
        found = reader_differences(*library.reader_sides(reader))
        library.settle_reader(reader, _choices(found, whole, chosen))
    else:
        found = differences(*library.sides(key or ""))
        key = library.settle(key or "", _choices(found, whole, chosen)).key
    out.echo(f"{reader or key} is one again")


def _choices(found: Sequence[Difference], whole: Choice | None, chosen: Sequence[str]) -> dict[str, Choice]:
    """Which side of each field that differs: as the options say, or the person who is asked. Raises `KbError`."""
    choices: dict[str, Choice] = {name: word for name, _, word in (one.rpartition("=") for one in chosen)}  # type: ignore[misc]  # settle looks at the words
    for name, word in choices.items():
        if word not in _WORDS or name not in (one.field for one in found):
            differing = ", ".join(one.field for one in found) or "nothing"
            raise click.UsageError(
                f"--take {name}={word}: name a field that differs ({differing}) and ours, theirs or both"
            )
    for one in found:
        if one.field not in choices:
            _show(one)
            if choice := whole or _asked(one):
                choices[one.field] = choice
    if missing := [one.field for one in found if one.field not in choices]:
        raise KbError(f"nothing was changed; say --ours, --theirs, or whose: --take {missing[0]}=ours|theirs")
    return choices


def _asked(one: Difference) -> Choice | None:
    if not sys.stdin.isatty():
        return None
    return click.prompt(f"take whose {one.field}?", type=click.Choice(one.choices), default=one.choices[-1])


def _show(one: Difference) -> None:
    out.styled(one.field, "bold")
    for side, value in (("ours", one.ours), ("theirs", one.theirs)):
        for number, line in enumerate(_text(value).split("\n")):
            out.echo(f"  {side if number == 0 else '':<6}  {line}")


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return (
            "\n".join(f"{item.name} {item.url}" if hasattr(item, "url") else str(item) for item in value) or "nothing"
        )
    if isinstance(value, dict):
        return "".join(value.values()).rstrip() or "nothing"
    return str(value or "nothing")


COMMANDS = (resolve,)
