"""The one boundary for errors: whatever is raised becomes a line, a status, and a report where the fault is ours.

Below it, errors that a user can mend are `KbError`s. Anything else is a fault of kb: it is said in one line too, and
what a maintainer needs to know of it is kept in a file.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from catalog import __version__, personal
from catalog.errors import KbError
from catalog.extras import extra_of, lacking

KEPT = 20


def guarded(run: Callable[[], object]) -> int:
    """Run a command; returns its exit status: 1 for an error, 2 for a wrong call, 130 where it was stopped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows few letters is no reason to stop half-way
            stream.reconfigure(errors="backslashreplace")
    try:
        status = run()
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except KbError as e:
        return _fail(str(e))
    except click.ClickException as e:
        return _wrong_call(e)
    except (click.Abort, KeyboardInterrupt):
        return _fail("stopped", 130)
    except BrokenPipeError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as e:
        return _fail(_of_the_system(e))
    except MemoryError:
        return _fail("there is not enough memory for this")
    except ModuleNotFoundError as e:
        return _fail(lacking(e.name) if e.name and extra_of(e.name) else _of_ours(e))
    except Exception as e:  # the boundary: nothing that is raised ends as a traceback
        return _fail(_of_ours(e))


def _fail(message: str, status: int = 1) -> int:
    from catalog.cli.out import plain

    for line in message.splitlines() or [""]:
        click.echo(f"kb: {plain(line)}", err=True)
    return status


def _wrong_call(error: click.ClickException) -> int:
    """What click says of a wrong call, which may quote what was typed."""
    from catalog.cli.out import plain

    said = io.StringIO()
    error.show(said)
    click.echo(plain(said.getvalue()), err=True, nl=False)
    return error.exit_code


def _of_the_system(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    if names:
        return f"{' -> '.join(names)}: {what}"
    return f"{_place(error)}: {what}; look at the disk and the rights of the folder, and run it again"


def _of_ours(error: Exception) -> str:
    said = (str(error).strip().splitlines() or [""])[0][:200]
    kept = keep_report(error)
    where = f"; a report for its makers is in {kept}" if kept else ""
    return f"{type(error).__name__}: {said} ({_place(error)}): a fault of kb, not yours{where}"


def _place(error: BaseException) -> str:
    """`paperfile.py:44`, where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "kb"


def keep_report(error: BaseException) -> Path | None:
    """Write what is needed to find a fault into a file, the last few of which are kept; None where none can be."""
    folder = personal.folder()
    if not folder:
        return None
    path = folder / "reports" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    about = [f"readrun {__version__}", f"Python {sys.version}", platform.platform(), f"called as {sys.argv!r}", ""]
    try:
        personal.write_new(path, "\n".join(about) + "\n" + "".join(traceback.format_exception(error)))
        for old in sorted(path.parent.glob("*.txt"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return path
