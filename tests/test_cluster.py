"""The cells of a table on a cluster of two machines, of which one is lost: the table is the one that one machine makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from refimpl import _bench
from refimpl._bench.cluster import connected
from refimpl._lab import LabError

TIMES = {"seconds_a_step", "cpu_seconds_a_step", "cpu_seconds_to_half", "peak_bytes", "inference", "inference_merged"}
GIVEN: dict[str, Any] = {"task": "kind", "steps": 4, "batch": 2, "seeds": 2, "rates": 2, "device": "cpu"}
METHODS = ("lora",)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head, and a second machine that `lose` takes away in the middle of its work."""
    utils = pytest.importorskip("ray.cluster_utils")
    small = {"num_cpus": 1, "object_store_memory": 80_000_000}
    made = utils.Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    other = made.add_node(**small)
    made.lose = lambda: made.remove_node(other, allow_graceful=False)
    yield made
    made.shutdown()


def told(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows without what a clock or the system says."""
    return [{name: value for name, value in row.items() if name not in TIMES} for row in record["rows"]]


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
def test_a_table_is_the_same_when_a_machine_is_lost(cluster: Any) -> None:
    alone, kept = _bench.bench(METHODS, **GIVEN), list[dict[str, Any]]()

    def keep(record: dict[str, Any]) -> None:
        kept.append(record)
        if len(kept) == 3:
            cluster.lose()

    record = _bench.bench(METHODS, **GIVEN, ray=cluster.address, keep=keep)
    assert told(record) == told(alone)
    assert [row["mean"] is not None and not row["why"] for row in record["rows"]] == [True] * 2
    assert record["command"] == alone["command"]
    assert record["cells"]["same"] == alone["cells"]["same"]
    again = _bench.bench(METHODS, **GIVEN, known=record)
    assert told(again) == told(alone), "and goes on where it was, on one machine"


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
def test_a_machine_unlike_this_one_ends_the_run(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = _bench.same
    monkeypatch.setattr(_bench, "same", lambda *given: here(*given) | {"versions": {"torch": "0.1"}})
    with pytest.raises(LabError, match=r"a machine of the cluster is unlike this one \(versions torch .*not 0\.1\)"):
        _bench.bench(["lora"], **GIVEN, ray=cluster.address)


@pytest.mark.nightly
def test_no_cluster_is_one_line() -> None:
    pytest.importorskip("ray")
    with (
        pytest.raises(LabError, match=r"no Ray cluster answers at 127\.0\.0\.1:1 .*start one with ray start --head"),
        connected("127.0.0.1:1"),
    ):
        pass
