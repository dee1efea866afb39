"""Running an implementation: its claims, each with what was measured against what was demanded; and its demo."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from refimpl._claims import ClaimFailed, Measured, NotHere, on
from refimpl.registry import CLAIMS, PACKAGE, Card, Claim

HEARD = ("progress", "announce")  # options that say how it goes to whoever listens; a demo need not take them
Report = Callable[[dict[str, Any]], None]
_WORST = ("fails", "not shown", "not verified here", "shown", "holds")


def module_of(card: Card) -> ModuleType:
    """The implementation itself; this runs its code, and needs torch where it does."""
    return importlib.import_module(f"{_package(Path(card.path).parent)}.{card.name}")


def claim_of(card: Card, claim: Claim) -> Callable[..., Any]:
    """The function of a claim; this runs the code of its file."""
    package = _package(Path(card.path).parent)
    inside = f".{CLAIMS}" if claim.path == card.claims_path else ""
    function: Callable[..., Any] = getattr(importlib.import_module(f"{package}{inside}.{card.name}"), claim.name)
    return function


def _package(folder: Path) -> str:
    """The package of a folder: ours, or one made of a collection's own, whose claims import `from ..NAME`."""
    if folder == PACKAGE:
        return "refimpl"
    name = f"kb_refimpl_{zlib.crc32(str(folder).encode()):08x}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
    return name


def verify(
    card: Card, device: str = "cpu", kinds: Collection[str] = (), report: Report = lambda _: None
) -> dict[str, Any]:
    """Run the claims of these kinds (all where none is named); returns the record for `runs/`.

    `report` is called with each claim's row as soon as it is known.
    """
    from refimpl._lab import models
    from refimpl._lab.measure import environment

    device, rows = models.device_of(device), []
    for claim in card.claims:
        if not kinds or claim.kind in kinds:
            rows.append(_run(claim_of(card, claim), claim, device))
            report(rows[-1])
    return {
        "name": card.name,
        "paper": card.paper,
        "device": device,
        "tiny": models.digest(),
        "environment": environment(device, "float64 and float32", 0),
        "claims": rows,
    }


def _run(function: Callable[..., Any], claim: Claim, device: str) -> dict[str, Any]:
    """One claim's row: its verdict, every comparison, how long it took, and why where it has no verdict of its own."""
    options = {"device": device} if "device" in inspect.signature(function).parameters else {}
    start = time.process_time()  # of the CPU: how long it takes depends on what else runs
    measured: list[Measured] = []
    why = ""
    with _quiet(), on(device):
        try:
            result = function(**options)
            measured = [result] if isinstance(result, Measured) else list(result)
            verdict = min((one.verdict for one in measured), key=_WORST.index, default="fails")
            why = "" if measured else "it measured nothing"
        except ClaimFailed as e:
            measured, verdict = [e.measured], "fails"
        except NotHere as e:
            verdict, why = "not verified here", str(e)
        except Exception as e:  # whatever a claim does wrong is its failure, not that of the others
            verdict, why = "fails", f"{type(e).__name__}: {e}".splitlines()[0]
    return {
        "name": claim.name,
        "kind": claim.kind,
        "says": claim.says,
        "verdict": verdict,
        "why": why,
        "measured": [
            {name: getattr(one, name) for name in ("what", "value", "demanded", "verdict")} for one in measured
        ],
        "seconds": round(time.process_time() - start, 2),
    }


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of libraries, which are not about the claim."""
    was = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(was)


def demo(card: Card, **options: Any) -> dict[str, Any]:
    """Run the demo; returns its record. Raises `TypeError` with the options it knows where one is unknown."""
    function = module_of(card).demo
    parameters = dict(inspect.signature(function).parameters)
    rest = [name for name, p in parameters.items() if p.kind is inspect.Parameter.VAR_KEYWORD]
    for name in rest:
        del parameters[name]
    if rest and Path(card.path).parent == PACKAGE:  # what our demos do not take themselves they hand on to the lab
        from refimpl._lab import demo as lab

        handed = inspect.signature(lab.run).parameters
        parameters, rest = {**{name: handed[name] for name in lab.OPTIONS}, **parameters}, []
    options = {name: value for name, value in options.items() if rest or name in parameters or name not in HEARD}
    if not rest and (unknown := sorted(set(options) - set(parameters))):
        there = ", ".join(name for name in parameters if name not in HEARD)
        raise TypeError(f"no option {', '.join(unknown)}; there are {there}")
    for name in options.keys() & parameters.keys():
        _fits(name, options[name], parameters[name].annotation)
    with _quiet():
        record = function(**options)
    return dict(record)


_TAKEN: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "True or False"),
}


def _fits(name: str, value: object, annotation: Any) -> None:
    """Raises `TypeError` where an option takes a number, or yes or no, and is given something else."""
    wanted, _, none = str(getattr(annotation, "__name__", annotation)).partition(" | ")
    kinds, said = _TAKEN.get(wanted, ((object,), ""))
    wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and object not in kinds)
    if wrong and not (value is None and none == "None"):
        raise TypeError(f"{name} takes {said}, not {value!r}")
