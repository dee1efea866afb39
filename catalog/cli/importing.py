"""The command that brings papers in."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.cli.options import dry_run_option, json_option, readings_option
from catalog.errors import BadFile, KbError
from catalog.text import some_of

if TYPE_CHECKING:
    from catalog.errors import Finding
    from catalog.ingest.merge import Change
    from catalog.ingest.run import Imported
    from catalog.library import Library
    from catalog.models import Paper

MOST_PROSE = 3  # stretches of a list that are told one by one
SKIPPED = frozenset({"node_modules", "build", "dist", "__pycache__", "site-packages"})


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--theirs", is_flag=True, help="Where both say something, take what is imported.")
@dry_run_option
@readings_option
@json_option
@click.pass_context
def import_(
    ctx: click.Context, files: tuple[str, ...], theirs: bool, dry_run: bool, readings: dict[str, int], as_json: bool
) -> None:
    """Take in reading lists and .bib files.

    Markdown lists, .bib files and paper files are told apart by content; - is standard input, a folder is walked, and
    what is at an address (https://…) is asked for.

    What is there already is merged: what you have stays, and what differs is shown. Nothing is dropped in silence;
    exit status 1 if something could not be taken.
    """
    library = out.library(ctx)
    unread: list[Finding] = []
    sources = sources_of(files, library, unread)
    done = walked(library.import_(sources, theirs=theirs, dry_run=dry_run, readings=readings), files)
    if as_json:
        out.echo_json(as_json_of(done))
    else:
        report(done)
    again = all(change.action == "unchanged" for change in done.changes)  # what was passed by then is no news
    out.findings([one for one in unread if one.kind != "note" or not again], err=True)
    ctx.exit(0 if done.whole and all(one.kind == "note" for one in unread) else 1)


def walked(done: Imported, named: Collection[str]) -> Imported:
    """What was done, where a file of a folder may well be no list as long as some are."""
    from dataclasses import replace

    from catalog.errors import Finding

    none = [one for one in done.findings if one.code == "no-papers" and one.path not in named and done.taken]
    if not none:
        return done
    message = f"no paper in {out.as_count(len(none), 'file')} of the folder: {some_of([one.path for one in none])}"
    places = {one.path for one in none}
    others = [one for one in done.findings if one.path not in places or (one.kind == "rejected" and one not in none)]
    again = all(change.action == "unchanged" for change in done.changes)
    return replace(done, findings=(*others, *([] if again else [Finding("no-papers", message, kind="note")])))


def sources_of(files: Iterable[str], library: Library, unread: list[Finding]) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of each file or address; what is wrong with one of a folder's goes to `unread`."""
    from catalog.files import read_bytes
    from catalog.ingest import SUFFIXES
    from catalog.store import LISTS

    own = {library.store.folder, library.store.root / "runs", *(library.store.root / LISTS).glob("*.json")}
    for name in files:
        path = Path(name)
        if name == "-":
            yield "<stdin>", sys.stdin.buffer.read()
        elif name.startswith(("https://", "http://")):
            yield library.list_at(name)
        elif path.is_dir():
            every = [p for p in _walk(path) if own.isdisjoint([p.absolute(), *p.absolute().parents])]
            inside = [p for p in every if p.suffix.lower() in SUFFIXES]
            if not inside:
                raise KbError(f"{name}: no file that ends in {', '.join(SUFFIXES)}")
            unread += _passed_by(name, every)
            for found in inside:
                try:
                    yield str(found), read_bytes(found)
                except (BadFile, FileNotFoundError) as e:
                    unread += e.findings if isinstance(e, BadFile) else ()
        elif path.is_file():
            yield name, read_bytes(path)
        else:
            raise KbError(f"{name}: no such file")


def _passed_by(name: str, files: Iterable[Path]) -> list[Finding]:
    """What to say of the files of a folder that are not looked at, by their endings."""
    from collections import Counter

    from catalog.errors import Finding
    from catalog.ingest import SUFFIXES

    ends = Counter(p.suffix.lower() or "without an ending" for p in files if p.suffix.lower() not in SUFFIXES)
    said = ", ".join(f"{count} {end}" for end, count in ends.most_common(6))
    remedy = "name one to have it read"
    return [Finding("passed-by", f"not looked at: {said}", remedy, name, kind="note")] if ends else []


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def report(done: Imported, merged: str = "merged") -> None:
    """Print what an import or a sync found and did; `merged` is what it calls a paper that it changed."""
    prose: dict[str, list[int]] = {}
    for finding in done.findings:
        if finding.code == "outside-a-paper":
            prose.setdefault(finding.path, []).append(finding.line)
        if finding.code != "outside-a-paper" or len(prose[finding.path]) <= MOST_PROSE:
            out.echo(f"{finding.kind}: {finding}")
    for path, at in prose.items():
        if more := at[MOST_PROSE:]:
            lines = f"line{'s' * (len(more) > 1)} {some_of([str(line) for line in more])}"
            out.echo(f"note: {path}: more that belongs to no paper and stays in the list begins at {lines}")
    for change in done.changes:
        if change.action == "merged" or change.differences:
            out.echo(f"{change.path}:{change.line}: {change.key} {merged if change.action == 'merged' else 'is there'}")
            for difference in change.differences:
                out.echo(f"    {difference}")
        for text in change.left_out if change.action == "rejected" or _cut(change) else ():
            out.echo(f"    left out:\n{text}")
        if done.dry_run and change.after:
            show_diff(change.before, change.after)
    names = {"added": "added", "merged": merged, "unchanged": "unchanged"}
    parts = [f"{done.count(what)} {name}" for what, name in names.items() if done.count(what)]
    parts += [f"{done.count(what)} {what}" for what in ("repaired", "kept", "rejected") if done.count(what)]
    left = [f"{out.as_count(done.left, 'line')} left as {'it is' if done.left == 1 else 'they are'} (prose)"][
        : done.left
    ]
    counted = f"{done.taken} of {out.as_count(done.entries, 'entry').replace('entrys', 'entries')}"
    click.echo(
        "; ".join([f"{'would take' if done.dry_run else 'took'} {counted}", *left, ", ".join(parts) or "nothing new"])
    )


def _cut(change: Change) -> bool:
    """Whether the differences do not show all that was left out."""
    return any(difference.endswith("…”") for difference in change.differences)


def show_diff(before: Paper | None, after: Paper) -> None:
    """Print what changes in a paper file."""
    from catalog.filenames import file_name
    from catalog.paperfile import dumps

    if before == after:
        return
    name = file_name(after.key)
    out.diff(dumps(before) if before else "", dumps(after), (name if before else "/dev/null", name))


def as_json_of(done: Imported) -> dict[str, object]:
    """What an import or a sync did, for a program."""
    return {
        "dry_run": done.dry_run,
        "counts": {what: done.count(what) for what in ("added", "merged", "unchanged", "repaired", "kept", "rejected")}
        | {"taken": done.taken, "entries": done.entries, "left": done.left},
        "keys": done.keys,
        "papers": [
            {
                "key": c.key,
                "was": c.was,
                "action": c.action,
                "path": c.path,
                "line": c.line,
                "differences": list(c.differences),
                "left_out": list(c.left_out),
                "maybe": dict(c.maybe),
            }
            for c in done.changes
        ],
        "findings": [finding.as_dict() for finding in done.findings],
    }


COMMANDS = (import_,)
