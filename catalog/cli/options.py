"""Parameters that several commands share."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from catalog.errors import BadQuery, KbError, SeveralKeys

if TYPE_CHECKING:
    from catalog.library import Library

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would change.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _looked_at(ctx: click.Context, _param: click.Parameter, given: bool) -> None:
    from catalog.cli.out import library

    if given and not ctx.resilient_parsing:
        library(ctx).index(whole=True)


fresh_option = click.option(
    "--fresh", is_flag=True, is_eager=True, expose_value=False, callback=_looked_at,
    help="Look at every file before, also in a folder so large that this takes time.",
)  # fmt: skip


def _readings(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for one in given:
        section, _, number = one.rpartition("=")
        if not section or number not in ("1", "2"):
            raise click.BadParameter(f"{one!r}: write SECTION=2 for the second reading, SECTION=1 for the first")
        found[section.strip()] = int(number)
    return found


readings_option = click.option(
    "--read", "readings", multiple=True, metavar="SECTION=N", callback=_readings,
    help="Read a section the second best way (2), or the best (1); it is remembered.",
)  # fmt: skip


def complete_keys(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys that begin so, with their titles."""
    from catalog.library import Library

    try:
        index = Library.open(ctx.find_root().params.get("root")).index()
        keys = index.keys(incomplete)
        titles = {key: facts.heading[:60] for key in keys if (facts := index.get(key))} if len(keys) <= 40 else {}
        return [CompletionItem(key, help=titles.get(key)) for key in keys]
    except Exception:  # a line that is being typed is no place for what is wrong with a file
        return []


NEVER = dt.date.min
_SHOWN = 20  # papers that are named before it is asked whether to change all


class Day(click.ParamType[dt.date]):
    """A day: YYYY-MM-DD, `today`, `yesterday`, `tomorrow`, +7d, +2w, +3m; with `none` also NEVER."""

    name = "date"

    def __init__(self, none: bool = False) -> None:
        self.none = none

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        if isinstance(value, dt.date):
            return value
        if self.none and value == "none":
            return NEVER
        named = {"today": 0, "yesterday": -1, "tomorrow": 1}
        ahead = re.fullmatch(r"\+(\d{1,4})([dwm])", value)
        if value in named or ahead:
            days = int(ahead[1]) * {"d": 1, "w": 7, "m": 30}[ahead[2]] if ahead else named[value]
            return dt.date.today() + dt.timedelta(days=days)
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a day; write YYYY-MM-DD, today, tomorrow, yesterday or +7d", param, ctx)


def _meant(ctx: click.Context, _param: click.Parameter, given: Any) -> Any:
    from catalog.cli.out import library

    if not given or ctx.resilient_parsing:
        return given
    there = library(ctx)

    def meant(text: str) -> str:
        try:
            return there.meant(text)
        except SeveralKeys as e:
            from catalog.cli.picker import can_pick, pick_of

            key = pick_of(there, e.keys) if can_pick() else ""
            if not key:
                raise
            return key

    return tuple(map(meant, given)) if isinstance(given, tuple) else meant(given)


def key_argument(name: str = "key", many: bool = False, required: bool = True, exact: bool = False) -> Decorator:
    """One KEY, or several; completed in the shell. Unless `exact`, an identifier, an address or words of a paper do."""
    return click.argument(
        name,
        metavar=("KEY..." if many else "KEY") if required else ("[KEY]..." if many else "[KEY]"),
        nargs=-1 if many else 1,
        required=required,
        shell_complete=complete_keys,
        callback=None if exact else _meant,
    )


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--query` in the place of keys, and `--yes`."""
    command = click.option("--query", "-q", metavar="QUERY", help="All papers that a query finds, in place of KEY.")(
        command
    )
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(command)


def chosen(library: Library, keys: Sequence[str], query: str | None, yes: bool, doing: str) -> Sequence[str]:
    """The keys that are given, or those of the papers that a query finds, which are shown and asked about."""
    from catalog.cli import out

    if (query is None) == (not keys):
        raise click.UsageError(
            "give the KEY of a paper, or a --query" if not keys else "give a KEY or a --query, not both"
        )
    if query is None:
        return keys
    found = library.lines(query, "key")
    out.unreadable(library)
    if not query.strip() or found.typos or found.lacking or not found.papers:
        raise KbError(f"no paper is just what {query!r} asks for; try it with `kb list`")
    if not yes:
        for line in found.papers[:_SHOWN]:
            out.echo(f"{line.key}  {line.title}")
        if len(found.papers) > _SHOWN:
            out.echo(f"and {len(found.papers) - _SHOWN} more")
        out.confirm(f"{doing} {out.as_count(len(found.papers), 'paper')}?")
    return [line.key for line in found.papers]


def query_argument() -> Decorator:
    """A query as the shell split it."""
    return click.argument("query", nargs=-1, metavar="[QUERY]...", callback=_query)


def _query(ctx: click.Context, _param: click.Parameter, words: tuple[str, ...]) -> str:
    """The words of a query as one text. `venue:machine learning` in one piece may come from venue:"machine learning",
    one value: that is what it is where a paper has it, else what it would be in any other place."""
    typed, whole = " ".join(words), " ".join(map(_quoted_again, words))
    if ctx.resilient_parsing or not typed.strip():
        return typed
    if typed != whole and _is_answered(ctx, whole):
        return whole
    if ctx.info_name not in ("list", "search") and not _is_answered(ctx, typed, if_none=True):  # those say more of it
        click.echo(f"no paper is just what {typed!r} asks for; taken is what is nearest", err=True)
    return typed


def _is_answered(ctx: click.Context, query: str, if_none: bool = False) -> bool:
    """Whether papers, or `if_none` none, are just what a query asks for."""
    from catalog.cli.out import library

    with contextlib.suppress(BadQuery):
        found = library(ctx).lines(query, limit=1)
        return bool(found.papers or if_none) and not (found.typos and found.papers) and not found.lacking
    return if_none


def _quoted_again(word: str) -> str:
    field, colon, value = word.partition(":")
    if colon and " " in value and '"' not in word and field.lstrip("-").isalpha() and "(" not in word:
        return f'{field}:"{value}"' if not any(":" in part for part in value.split()) else word
    return word
