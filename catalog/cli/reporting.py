"""The ledger of a paper's numbers in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from catalog.cli import out
from catalog.errors import refused

if TYPE_CHECKING:
    from catalog.library import Library
    from catalog.reports import Figure, Ledger, Report


def show(name: str, ledger: Ledger | None) -> None:
    """Each headline number, and under it what others got."""
    if ledger is None:
        click.echo(f"no headline number of {name} is known; write reports/{name}.toml with a [[figure]]", err=True)
        return
    for figure in ledger.figure:
        out.styled(f"{figure.name}  {figure.what}", "bold")
        out.echo(f"  {_said(figure)} {figure.unit}  {figure.where}, {figure.address}")
        for report in ledger.of(figure):
            on = f", {report.on.isoformat()}" if report.on else ""
            out.echo(f"    {_said(report)}  {report.setting}; {report.address}{on}")


def add(library: Library, name: str, said: dict[str, Any]) -> None:
    """Add a report. Raises `click.UsageError` where a part of it is not what it should be."""
    from pydantic import ValidationError

    from catalog.reports import Report

    try:
        report = Report(**{key: value.date() if key == "on" else value for key, value in said.items()})
    except ValidationError as e:
        name = str(e.errors()[0]["loc"][0])
        raise click.UsageError(f"--{name}: {refused(e).removeprefix(f'{name}: ')}") from None
    path = library.report(name, report)
    out.echo(f"wrote {path.relative_to(library.root)}")


def _said(one: Figure | Report) -> str:
    return f"{one.value:g}" + (f" ± {one.spread:g}" if one.spread is not None else "")
