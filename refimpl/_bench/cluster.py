"""Cells on the machines of a Ray cluster: each goes where a processor or a GPU is free, and again where that is lost.

What a cell says does not depend on where it is computed: threads, device and versions are those of the table, or the
run ends with a line that names what differs. Every machine has this package installed.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from refimpl._bench import cells
from refimpl._bench.settings import SEARCH_SEED, Case, difference, first_line
from refimpl._lab import LabError
from refimpl._lab.environment import environment

if TYPE_CHECKING:
    from refimpl._bench import Keep, Report, Table

RETRIES = 3  # of a cell whose machine is lost
AROUND = ("device", "versions")


def spread(address: str, table: Table, mine: list[Case], keep: Keep, report: Report) -> None:
    """Measure what is missing of these rows. Raises `LabError` where no cluster is, or one unlike this machine."""
    with connected(address) as ray:
        what = {"num_gpus": 1} if table.settings.device.startswith("cuda") else {"num_cpus": 1}
        remote: Any = ray.remote(max_retries=RETRIES, **what)(run)
        going: dict[Any, tuple[Case, str, str]] = {}
        while True:
            there = {(case.key, kind, which) for case, kind, which in going.values()}
            for case in mine:
                for kind, which in table.ready(case):
                    if (case.key, kind, which) not in there:
                        going[remote.remote(case, kind, which, table.rate(case), table.same)] = case, kind, which
            if not going:
                break
            [done], _ = ray.wait([*going], num_returns=1)
            case, kind, which = going.pop(done)
            table.put(case, kind, which, got(ray, done))
            keep(table.record())
            report(table.doing(case, kind, which, mine))
            if not table.ready(case):
                report({"finished": table.row(case)})
    keep(table.record())


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected to the cluster."""
    import ray

    try:
        _listens(address)  # Ray itself tries for minutes
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError, OSError) as e:
        raise LabError(
            f"no Ray cluster answers at {address} ({first_line(e)}); start one with ray start --head"
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _listens(address: str) -> None:
    """Raise OSError where an address HOST:PORT takes no connection."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def got(ray: Any, done: Any) -> cells.Cell:
    """What a machine said of a cell, or why it could not. Raises `LabError` where it is unlike this one."""
    try:
        cell: cells.Cell = ray.get(done)
    except ray.exceptions.RayError as e:
        return {"why": f"{type(e).__name__}: the machines that tried it were lost"}
    if unlike := cell.get("unlike"):
        raise LabError(f"a machine of the cluster is unlike this one ({unlike}); give it the same")
    return cell


def run(case: Case, kind: str, which: str, rate: float | None, same: dict[str, Any]) -> cells.Cell:
    """On a machine of the cluster: a cell, or why there is none."""
    from refimpl._bench import Several, attempt

    torch.set_num_threads(same["threads"])
    here = environment(case.settings.device, case.settings.dtype, SEARCH_SEED)
    unlike = difference(*({name: facts[name] for name in AROUND} for facts in (here, same)))
    return (
        {"unlike": unlike}
        if unlike
        else attempt(partial(cells.cell, case, kind, which, rate), Several(1, first=True), kind)
    )
