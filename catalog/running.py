"""Implementations and what their runs measured: records in `runs/`, and the running itself, which alone needs torch."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from catalog.errors import KbError
from catalog.extras import extra_of, lacking
from catalog.runs import read_record
from refimpl import Card, cards

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def find_card(known: Iterable[Card], name: str, resolve: Callable[[str], str]) -> Card:
    """The implementation of a name or of a paper's key. Raises `KbError` with the nearest ones and all."""
    there = {card.name: card for card in known}
    if name in there:
        return there[name]
    try:
        key = resolve(name)
    except KbError:
        key = name
    if found := [card for card in there.values() if card.paper == key]:
        return found[0]
    near = get_close_matches(name, [*there, *(card.paper for card in there.values())], 3, 0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise KbError(f"no implementation {name}; {hint}there are {', '.join(there) or 'none'}")


def run_claims(
    card: Card, device: str, kinds: Collection[str], report: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Run the claims of an implementation. Raises `KbError` where torch or the device is missing."""
    return _running(card, lambda verify: verify.verify(card, device, kinds, report))


def plant_faults(card: Card, report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Plant faults in copies of an implementation, and see which claim notices each; raises as `run_claims`."""
    return _running(card, lambda _: dict(import_module("refimpl._mutate").mutate(card, report)))


def run_demo(card: Card, **options: Any) -> dict[str, Any]:
    """Run a demo; returns its record. Raises `KbError` with the remedy where it cannot run."""
    return _running(card, lambda verify: verify.demo(card, **options))


def run_bench(
    runs: Path, lock: Path, names: Collection[str], write: Callable[[Path, str], None], *, restart: bool, **options: Any
) -> dict[str, Any]:
    """Fill the table of all methods, on from its record in `runs/`; every cell is written as soon as it is known.

    Raises `KbError` with the remedy where it cannot run.
    """
    from filelock import FileLock, Timeout

    def run(bench: Any) -> dict[str, Any]:
        kind = bench.kind_of(options.get("device", "auto"))
        model, task = options.get("model", "tiny"), options.get("task", "kind")
        path = record_path(runs, f"bench-{bench.name_of(model)}-{task}", kind)

        def keep(record: dict[str, Any]) -> None:
            write(path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")

        known = None
        try:
            known = read_record(path, "Bench", "kb bench --restart") if path.is_file() else None
        except KbError:
            if not restart:
                raise
        return dict(bench.bench(names, known=known, restart=restart, keep=keep, command=_typed(options), **options))

    if os.environ.get("RANK", "0") != "0":  # accelerate launch started several, of which the first writes
        return _with_torch("bench", "refimpl._bench", run)
    try:
        with FileLock(lock, timeout=0):
            return _with_torch("bench", "refimpl._bench", run)
    except Timeout:
        raise KbError("another kb bench is running here; wait for it, each would slow the other down") from None


def _typed(options: dict[str, Any]) -> str:
    """The options of a command as they are typed."""
    given = {name: value for name, value in options.items() if name not in ("report", "ray")}
    return " ".join(f"--{name} {shlex.quote(str(value))}" for name, value in given.items())


def _running(card: Card, run: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    if card.problems:
        raise KbError("\n".join(f"{p.path}:{p.line}: {p.message}; {p.remedy}" for p in card.problems))
    return _with_torch(card.name, "refimpl._verify", run)


def _with_torch(name: str, module: str, run: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """Run with a module of `refimpl` that needs torch; it is named, not imported, as the catalog never needs torch."""
    try:
        running = import_module(module)
        lab_error = import_module("refimpl._lab").LabError
        try:
            return run(running)
        except (lab_error, TypeError, ValueError) as e:
            raise KbError(f"{name}: {e}") from None
        except (KbError, OSError, ModuleNotFoundError):
            raise
        except Exception as e:  # whatever else a library or an implementation raises: what it is, and where
            raise KbError(f"{name}: {_raised(e)}") from None
    except ModuleNotFoundError as e:
        module = e.name or str(e)
        missing = f"{name}: {module} is not installed; pip install {module}"
        raise KbError(lacking(module) if extra_of(module) else missing) from None


def _raised(error: Exception) -> str:
    """`KeyError: 'x' (lora.py:12)`."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" ({Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno})"
    said = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {said}{where}"


def record_path(runs: Path, name: str, device: str) -> Path:
    """Where the runs of an implementation on a kind of device are kept."""
    return runs / f"{name}.{device.partition(':')[0]}.json"


def new_implementation(folder: Path, name: str, paper: str) -> Path:
    """Write a skeleton that passes its own checks; raises `KbError` where there is one or the name is none."""
    from refimpl._skeleton import skeleton

    if not _NAME.fullmatch(name):
        raise KbError(f"{name!r} is not a name for a file of Python; use small letters, digits and _")
    path = folder / f"{name}.py"
    if path.exists() or name in {card.name for card in cards()}:
        raise KbError(f"there is an implementation {name} already; choose another name")
    folder.mkdir(exist_ok=True)
    path.write_text(skeleton(name, paper), encoding="utf-8")
    return path
