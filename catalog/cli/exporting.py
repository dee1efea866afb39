"""Commands that hand papers on: the formats of `kb export`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from catalog.cli import out
from catalog.cli.options import query_argument
from catalog.errors import KbError
from catalog.files import inside, read_bytes, read_text
from catalog.store import SHARED

if TYPE_CHECKING:
    from catalog.bibtex.normal import Wanted
    from catalog.export.bib import Bib
    from catalog.export.refs import Refs
    from catalog.library import Library

_SORTS = ("key", "year", "author", "title", "type")
_CHANGES = ("months", "dois", "pages", "names", "capitals", "order")


@click.group()
def export() -> None:
    """Hand papers on as .bib, CSL, RIS, SQLite, CSV, Markdown …"""


output_option = click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")


def _names(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip().lower() for value in values for name in value.split(","))))


def _changes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    names = _names(ctx, param, values)
    if unknown := [name for name in names if name not in _CHANGES]:
        raise click.BadParameter(f"{unknown[0]} is none of {', '.join(_CHANGES)}", ctx, param)
    return frozenset(names)


_BIB_OPTIONS = (
    query_argument(),
    output_option,
    click.option("--from", "manuscripts", multiple=True, metavar="FILE",
                 type=click.Path(exists=True, dir_okay=False, path_type=Path),
                 help="Only what this manuscript cites: LaTeX, Markdown, Typst, reST, Org, AsciiDoc, LyX, .aux, .bcf."),
    click.option("--watch", is_flag=True, help="Go on writing FILE whenever manuscript or papers change."),
    click.option("--replace", is_flag=True, help="Write over what others have put into FILE; without it that stays."),
    click.option("--sort", type=click.Choice([sign + name for name in _SORTS for sign in ("", "-")]), default="key",
                 show_default=True, metavar="FIELD", help="key, year, author, title or type; -year turns it round."),
    click.option("--normalize", is_flag=True, help="One style for all entries; without it every entry stays as given."),
    click.option("--leave", callback=_changes, multiple=True, metavar="WHAT,...",
                 help=f"What to leave as it is when normalizing: {', '.join(_CHANGES)}."),
    click.option("--drop", callback=_names, multiple=True, metavar="FIELD,...", help="Leave these fields out."),
    click.option("--only", callback=_names, multiple=True, metavar="FIELD,...", help="Leave all other fields out."),
    click.option("--first", callback=_names, multiple=True, metavar="FIELD,...", help="Put these fields first."),
    click.option("--align", is_flag=True, help="Put the = of the fields under each other."),
    click.option("--escape", is_flag=True, help="Write &, %, # and _ so that LaTeX takes them for letters."),
    click.option("--ascii", is_flag=True, help="Write letters that are not ASCII as commands, such as {\\'e}."),
    click.option("--journals", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
                 help="Write names of journals as this list of `name;other name` lines has them."),
    click.option("--dry-run", is_flag=True, help="Only show what would change: in FILE, or in the entries as given."),
)  # fmt: skip


def _bib_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_BIB_OPTIONS):
        command = option(command)
    return command


@export.command()
@_bib_options
@click.pass_context
def bib(ctx: click.Context, /, **options: Any) -> None:
    """The merged .bib: every entry byte for byte as it was given.

    Of a manuscript the files that it takes in are read too; keys that are missing are named, and exit status 1. Entries
    in FILE that are not ours stay, and are named. Options that change entries normalize them.
    """
    ctx.exit(_export_bib(out.library(ctx), biblatex=False, **options))


@export.command()
@_bib_options
@click.pass_context
def biblatex(ctx: click.Context, /, **options: Any) -> None:
    """The merged .bib by biblatex's names, normalized.

    `journaltitle` for `journal`, `date` for `year` and `month`; otherwise as `kb export bib`.
    """
    ctx.exit(_export_bib(out.library(ctx), biblatex=True, **options))


class _Done(NamedTuple):
    """One export: the exit status, the files that were read of the manuscripts, and what is to be said."""

    status: int
    files: tuple[Path, ...]
    said: list[str]


def _export_bib(
    library: Library, *, watch: bool, output: Path | None, manuscripts: tuple[Path, ...], dry_run: bool, **options: Any
) -> int:
    """Write the .bib, once or whenever something changes; returns the exit status."""
    if not watch:
        done = _export_once(library, output, manuscripts, dry_run, **options)
        _say(done.said)
        return done.status
    if not output or dry_run:
        raise click.UsageError("--watch writes a file: name it with -o, without --dry-run")
    from catalog.cli.watching import watch as watch_files

    read: set[Path] = {*manuscripts, library.root / SHARED}
    last: list[str] = []

    def again() -> None:
        try:
            done = _export_once(library, output, manuscripts, False, **options)
            read.update(done.files)
            said = done.said
        except (KbError, OSError) as e:  # a file that is half written; the next change comes soon
            said = [f"kb: {e}"]
        if said != last:
            _say(said)
            last[:] = said

    out.echo(f"keeping {output} current; ctrl-c ends it", err=True)
    watch_files(lambda: read, library.store.folder, again)
    return 0


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        out.echo(line, err=True)


def _export_once(
    library: Library, output: Path | None, manuscripts: tuple[Path, ...], dry_run: bool, *, query: str, sort: str,
    replace: bool, **style: Any,
) -> _Done:  # fmt: skip
    wanted = _wanted(library, **style)
    cited = library.cited_in(manuscripts) if manuscripts else None
    keys, unsure = (cited.keys, cited.unsure) if cited else (None, ())

    def make(normal: Wanted | None) -> Bib:
        return library.export_bib(query, normal=normal, cited=keys, unsure=unsure, sort=sort)

    made = make(wanted)
    there = output is not None and output.is_file()
    joined = library.join_bib(made.text, output) if output and there and not replace else None
    if dry_run:
        before = make(None).text if not output else output.read_text("utf-8", "replace") if there else ""
        out.diff(before, joined.text if joined else made.text, (str(output or "as given"),) * 2)
    current = there and output is not None and _holds(output, _encoded([joined.text] if joined else made.parts()))
    if not dry_run and not current:
        _write_parts([joined.text] if joined else made.parts(), output)
    said = [f"{output} is up to date"] * (current and not dry_run)
    said += [*(cited.not_read if cited else ()), *_told(made, wanted is not None), *_told_of_file(joined)]
    failed = made.left_out or made.missing or (joined and joined.clashing)
    return _Done(1 if out.unreadable(library) or failed else 0, cited.files if cited else (), said)


def _wanted(
    library: Library, *, biblatex: bool, normalize: bool, journals: Path | None, **style: Any
) -> Wanted | None:  # fmt: skip
    """The style that the options ask for; None where entries stay as they are."""
    from catalog.bibtex.normal import Wanted

    if not (biblatex or normalize or journals or any(style.values())):
        return None
    listed = library.store.config.journals
    names = journals or (library.root / listed if listed else None)
    if listed and not journals and not inside(library.root / listed, library.root):
        raise KbError(f"journals: {listed} leads out of the knowledge base; name a file in it")
    return Wanted(
        leave=style["leave"], drop=frozenset(style["drop"]), only=frozenset(style["only"]), first=style["first"],
        align=style["align"], escape=style["escape"], ascii=style["ascii"], journals=_journals(names) if names else {},
        biblatex=biblatex,
    )  # fmt: skip


def _journals(path: Path) -> dict[str, str]:
    """A list of names of journals, `name;other name` or `name,other name` a line, as JabRef's are."""
    names = {}
    try:
        text = read_bytes(path, path.name).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        raise KbError(f"{path}: no such list of journals; correct `journals` in kb.toml") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, other, *_ = [*line.split(";" if ";" in line else ","), ""]
        if not other.strip(' "'):
            raise KbError(f"{path}:{number}: {line[:60]!r} is not `name;other name`")
        names[" ".join(name.strip(' "').split()).casefold()] = other.strip(' "')
    return names


def _told(made: Bib, normal: bool) -> Iterator[str]:
    """What is to be said of a .bib, a line each."""
    yield from (f"left out: {finding}" for finding in made.left_out)
    for key, name in made.twice if normal else ():
        yield f"twice: {key}: {name}; both are written: BibTeX takes the first, biber the last"
    for wanted, key in made.guessed:
        yield f"guessed: {wanted}: there is only {key}; write the key as it is"
    for keys in made.clashing:
        yield f"clash: {' and '.join(keys)} differ in case only: two keys for biber, one for BibTeX, which refuses them"
    yield from (f"missing: {key}" for key in made.missing)


def _told_of_file(joined: Refs | None) -> Iterator[str]:
    if joined:
        yield from (f"kept: {key}, which is not ours" for key in joined.kept if key not in joined.clashing)
        yield from (f"replaced: {key}, which read otherwise" for key in joined.replaced)
        yield from (f"clash: {key} is another work there; that one stays, ours is left out" for key in joined.clashing)


def _exporter(name: str, help_: str, method: str) -> click.Command:
    @click.command(name, help=help_)
    @query_argument()
    @output_option
    @click.pass_context
    def command(ctx: click.Context, query: str, output: Path | None) -> None:
        library = out.library(ctx)
        made = getattr(library, method)(query)
        if isinstance(made, bytes) and not output and out.fancy():
            raise click.UsageError("a database is no text; name a file: -o papers.db")
        _write(made, output)
        out.unreadable(library)

    return command


for _name, _help, _method in (
    ("csl", "CSL-JSON, for pandoc, Quarto and Zotero.", "export_csl"),
    ("ris", "RIS, for EndNote, Mendeley and Zotero.", "export_ris"),
    ("hayagriva", "Hayagriva's YAML, for Typst.", "export_hayagriva"),
    (
        "sqlite",
        "A SQLite file, for queries and Datasette.\n\nIts table `about` says what each column means.",
        "export_sqlite",
    ),
    ("json", "Everything that is known of each paper, as a JSON list.", "export_json"),
    ("csv", "A table for a spreadsheet.", "export_csv"),
):
    export.add_command(_exporter(_name, _help, _method))


@click.command()
@query_argument()
@output_option
@click.option("--into", type=click.Path(path_type=Path), metavar="PAGE", help="Write it into a page, between comments.")
@click.option(
    "--style", type=click.Choice(["bullet", "table", "heading"]), default="bullet", help="Of an item, with --into."
)
@click.pass_context
def markdown(ctx: click.Context, query: str, output: Path | None, into: Path | None, style: str) -> None:
    """A reading list; importing it gives the same catalog.

    With --into the list is written for readers, by the sections of the lists that were read, between the lines
    `<!-- kb:begin -->` and `<!-- kb:end -->` of a page; the rest of the page stays as it is.
    """
    library = out.library(ctx)
    if into is None:
        _write(library.export_markdown(query), output)
    else:
        try:
            page = read_text(into).removeprefix("\ufeff")
        except FileNotFoundError:
            raise KbError(f"{into}: no such page") from None
        made = library.embed(page, str(into), query, style)
        _write(made, output or into)
    out.unreadable(library)


export.add_command(markdown)


def _encoded(parts: Iterable[str]) -> Iterator[bytes]:
    return (part.encode("utf-8", "replace") for part in parts)


def _holds(path: Path, parts: Iterable[bytes]) -> bool:
    """Whether a file holds just these parts."""
    with path.open("rb") as file:
        return all(file.read(len(part)) == part for part in parts) and not file.read(1)


def _write_parts(parts: Iterable[str], output: Path | None) -> None:
    if output:
        from catalog.store.beside import write_out

        write_out(output, _encoded(parts))
        out.echo(f"wrote {output}", err=True)
    else:
        for part in parts:
            out.verbatim(part)


def _write(made: str | bytes, output: Path | None) -> None:
    if output:
        from catalog.store.beside import write_out

        write_out(output, made.encode("utf-8", "replace") if isinstance(made, str) else made)
        out.echo(f"wrote {output}", err=True)
    elif isinstance(made, str):
        out.verbatim(made)
    else:
        sys.stdout.buffer.write(made)


COMMANDS = (export,)
