"""Plant faults in a copy of an implementation, one at a time, and see which of its claims notices.

The faults stand in `faults/NAME.toml` beside the implementation: what a fault says, the text that it replaces, which
must stand in the file exactly once, and what it puts there; `in` names another file of the package, where what methods
share is at fault. Nothing on disk is changed: the copy lives in a process of its own. A claim that holds whatever the
code does says nothing; this tells how many do not.
"""

from __future__ import annotations

import importlib
import multiprocessing
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from refimpl.registry import Card, Claim

FAULTS = "faults"
KINDS = ("exact", "parity")  # a direction at small scale is no test of an equation
SECONDS = 300.0
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of the source of a module that makes it wrong."""

    says: str
    old: str
    new: str
    place: Path


def faults_of(card: Card) -> list[Fault]:
    """The faults of an implementation. Raises ValueError where the file is none, or does not fit the source."""
    folder = Path(card.path).parent
    path = folder / FAULTS / f"{card.name}.toml"
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("fault", [])
        found = [
            Fault(row["says"], row["old"].strip("\n"), row["new"].strip("\n"), folder / row.get("in", card.path))
            for row in rows
        ]
    except FileNotFoundError:
        raise ValueError(f"no faults are written down for {card.name}; write some in {path}") from None
    except (OSError, UnicodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as e:
        raise ValueError(f"{path} is no list of faults with says, old and new: {e}") from None
    for fault in found:
        inside = fault.place.is_relative_to(folder) and ".." not in fault.place.parts
        if (there := _text(fault.place).count(fault.old) if inside else 0) != 1:
            many = f"{path}: what {fault.says!r} replaces stands {there} times in {fault.place}"
            raise ValueError(f"{many}; write it anew")
    return found


def mutate(card: Card, report: Report = lambda _: None) -> dict[str, Any]:
    """Try every fault; returns how many there are, and those that no claim notices.

    `report` is called with each: what it says, and the claim that noticed it, "" where none did. Raises ValueError
    where a claim fails without a fault.
    """
    faults, own = faults_of(card), Path(card.path)
    claims = [claim for claim in card.claims if claim.kind in KINDS]
    before, seconds = _noticed(card, own, _text(own), claims)
    if before:
        raise ValueError(f"{before} fails without a fault; mend that first: kb verify {card.name}")
    claims.sort(key=lambda claim: round(seconds.get(claim.name, 0.0)))  # what takes longest is asked last
    missed = []
    for fault in faults:
        by, _ = _noticed(card, fault.place, _text(fault.place).replace(fault.old, fault.new), claims)
        missed += [fault.says] * (not by)
        report({"says": fault.says, "by": by})
    return {"name": card.name, "planted": len(faults), "missed": missed}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _noticed(card: Card, path: Path, source: str, claims: list[Claim]) -> tuple[str, dict[str, float]]:
    """The first claim that fails with this source of a module, "" where all hold; and how long each took."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["refimpl._verify", "refimpl._lab.demo", "transformers", "peft", "hypothesis"])
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_try, args=(card, path, source, claims, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        if not ours.poll(SECONDS):
            return f"{SECONDS:.0f} seconds without an end", {}
        by, seconds = ours.recv()
        return str(by), dict(seconds)
    except EOFError:
        return "the end of its process", {}
    finally:
        child.kill()
        child.join()


def _try(card: Card, path: Path, source: str, claims: list[Claim], answer: Any) -> None:
    seconds: dict[str, float] = {}
    answer.send((next(_failing(card, path, source, claims, seconds), ""), seconds))


def _failing(card: Card, path: Path, source: str, claims: list[Claim], seconds: dict[str, float]) -> Iterator[str]:
    import torch

    from refimpl._verify import _package

    torch.set_num_threads(1)
    try:
        folder = Path(card.path).parent
        _put(_package(folder), path.relative_to(folder).with_suffix(""), source)
    except Exception as e:  # whatever a fault breaks at once
        yield f"{type(e).__name__} when it is imported"
        return
    from refimpl._verify import _run, claim_of  # only now: they are to run on what was put there

    for claim in claims:
        row = _run(claim_of(card, claim), claim, "cpu")
        seconds[claim.name] = row["seconds"]
        if row["verdict"] == "fails":
            yield claim.name


def _put(package: str, place: Path, source: str) -> None:
    """The source as the module that everybody imports in this process: all of the package is read anew."""
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        del sys.modules[name]
    parent = importlib.import_module(".".join([package, *place.parts[:-1]]))
    module = ModuleType(f"{parent.__name__}.{place.name}")
    module.__package__ = parent.__name__
    sys.modules[module.__name__] = module
    setattr(parent, place.name, module)
    exec(compile(source, place.name, "exec"), vars(module))  # noqa: S102 - what else is there to do with a source
