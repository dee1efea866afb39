"""Plant faults in a copy of an implementation, one at a time, and see which of its claims notices.

The faults stand in `faults/NAME.toml` beside the implementation: what a fault says, the text that it replaces, which
must stand in the file exactly once, and what it puts there. Nothing on disk is changed: the copy lives in a process of
its own. A claim that holds whatever the code does says nothing; this tells how many do not.
"""

from __future__ import annotations

import multiprocessing
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from refimpl.registry import CLAIMS, Card, Claim

FAULTS = "faults"
KINDS = ("exact", "parity")  # a direction at small scale is no test of an equation
SECONDS = 300.0
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of the source that makes it wrong."""

    says: str
    old: str
    new: str


def faults_of(card: Card) -> list[Fault]:
    """The faults of an implementation. Raises ValueError where the file is none, or does not fit the source."""
    path = Path(card.path).parent / FAULTS / f"{card.name}.toml"
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("fault", [])
        found = [Fault(row["says"], row["old"].strip("\n"), row["new"].strip("\n")) for row in rows]
    except FileNotFoundError:
        raise ValueError(f"no faults are written down for {card.name}; write some in {path}") from None
    except (OSError, UnicodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as e:
        raise ValueError(f"{path} is no list of faults with says, old and new: {e}") from None
    source = Path(card.path).read_text(encoding="utf-8")
    for fault in found:
        if (there := source.count(fault.old)) != 1:
            raise ValueError(f"{path}: what {fault.says!r} replaces stands {there} times in {card.path}; write it anew")
    return found


def mutate(card: Card, report: Report = lambda _: None) -> dict[str, Any]:
    """Try every fault; returns how many there are, and those that no claim notices.

    `report` is called with each: what it says, and the claim that noticed it, "" where none did. Raises ValueError
    where a claim fails without a fault.
    """
    faults, source = faults_of(card), Path(card.path).read_text(encoding="utf-8")
    claims = [claim for claim in card.claims if claim.kind in KINDS]
    before, seconds = _noticed(card, source, claims)
    if before:
        raise ValueError(f"{before} fails without a fault; mend that first: kb verify {card.name}")
    claims.sort(key=lambda claim: round(seconds.get(claim.name, 0.0)))  # what takes longest is asked last
    missed = []
    for fault in faults:
        by, _ = _noticed(card, source.replace(fault.old, fault.new), claims)
        missed += [fault.says] * (not by)
        report({"says": fault.says, "by": by})
    return {"name": card.name, "planted": len(faults), "missed": missed}


def _noticed(card: Card, source: str, claims: list[Claim]) -> tuple[str, dict[str, float]]:
    """The first claim that fails with this source, "" where all hold; and how long each took that was tried."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["refimpl._verify", "refimpl._lab.demo", "transformers", "peft", "hypothesis"])
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_try, args=(card, source, claims, theirs), daemon=True)
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


def _try(card: Card, source: str, claims: list[Claim], answer: Any) -> None:
    seconds: dict[str, float] = {}
    answer.send((next(_failing(card, source, claims, seconds), ""), seconds))


def _failing(card: Card, source: str, claims: list[Claim], seconds: dict[str, float]) -> Iterator[str]:
    import torch

    from refimpl._verify import _package, _run, claim_of

    torch.set_num_threads(1)
    package = _package(Path(card.path).parent)
    try:
        _put(package, card, source)
    except Exception as e:  # whatever a fault breaks at once
        yield f"{type(e).__name__} when it is imported"
        return
    for claim in claims:
        row = _run(claim_of(card, claim), claim, "cpu")
        seconds[claim.name] = row["seconds"]
        if row["verdict"] == "fails":
            yield claim.name


def _put(package: str, card: Card, source: str) -> None:
    """The source as the module that everybody imports, in this process."""
    name = f"{package}.{card.name}"
    module = ModuleType(name)
    module.__file__, module.__package__ = card.path, package
    sys.modules[name] = module
    setattr(sys.modules[package], card.name, module)
    sys.modules.pop(f"{package}.{CLAIMS}.{card.name}", None)
    exec(compile(source, card.path, "exec"), vars(module))  # noqa: S102 - what else is there to do with a source
