"""Adapted models in shards over two devices, in a group of processes that only seems to be there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from models_support import IDS, llama
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from refimpl._architectures import METHODS
from refimpl._surgery import trainable


@pytest.fixture(scope="module")
def mesh() -> Iterator[Any]:
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    yield init_device_mesh("cpu", (2,))
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore")  # torch's own, of a group that is none
@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_step_of_a_sharded_model_gives_every_trained_number_a_gradient(name: str, mesh: Any) -> None:
    model = METHODS[name].apply(llama()).train()
    count = trainable(model)
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    model(input_ids=IDS[:, :12], labels=IDS[:, :12]).loss.backward()
    assert trainable(model) == count
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    assert torch.isfinite(torch.stack([p.grad.to_local().sum() for p in model.parameters() if p.requires_grad])).all()
