"""The command that cites papers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from catalog.cli import out
from catalog.cli.options import key_argument
from catalog.errors import KbError
from catalog.files import read_text

if TYPE_CHECKING:
    from catalog.citing import Style
    from catalog.export.cite import Form

_CLIPBOARDS = (("wl-copy",), ("xclip", "-selection", "clipboard"), ("xsel", "-b", "-i"), ("pbcopy",), ("clip.exe",))
_FORMS = ("text", "html", "markdown")  # as catalog.export.cite has them, without its imports
_SECONDS = 5


@click.command()
@key_argument("keys", many=True)
@click.option("--style", default="apa", show_default=True, metavar="STYLE",
              help="apa, ieee, acm, chicago, mla, vancouver, nature, acl, or a .csl file.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(_FORMS), default="text", show_default=True, help="What to write.")
@click.option("--copy", is_flag=True, help="Copy it to the clipboard too.")
@click.pass_context
def cite(ctx: click.Context, keys: tuple[str, ...], style: str, form: str, copy: bool) -> None:
    """Cite papers, a line each, in APA, IEEE or another style.

    The styles are those of the Citation Style Language; those that number their references count in the order given.
    """
    lines = out.library(ctx).cite(keys, _style(style), cast("Form", form))
    for line in lines:
        out.echo(line)
    if copy:
        _copy("\n".join(lines))


def _style(name: str) -> str | Style:
    if not name.endswith(".csl"):
        return name
    from catalog.citing import read_style

    return read_style(read_text(Path(name)), name)


def _copy(text: str) -> None:
    program = next((command for command in _CLIPBOARDS if shutil.which(command[0])), None)
    if not program:
        raise KbError(f"no clipboard: install one of {', '.join(command[0] for command in _CLIPBOARDS[:3])}")
    try:
        subprocess.run(program, input=text.encode(), check=True, timeout=_SECONDS, stderr=subprocess.DEVNULL)  # noqa: S603 - one of the above
    except (subprocess.SubprocessError, OSError):
        raise KbError(f"{program[0]} did not take it; is there a display?") from None
    click.echo("copied", err=True)


COMMANDS = (cite,)
