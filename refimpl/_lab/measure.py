"""What a method costs: parameters, bytes, peak memory; and on what it was measured (`environment`)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from refimpl._lab.environment import environment as environment


@dataclass(frozen=True, slots=True)
class Size:
    """How many numbers a model has and how many of them are trained; `adapter_bytes` is what the latter take."""

    parameters: int
    trainable: int
    adapter_bytes: int

    @property
    def share(self) -> float:
        return self.trainable / self.parameters if self.parameters else 0.0


def size(model: nn.Module) -> Size:
    """Count each parameter once; a 4-bit weight counts as the numbers it stands for."""
    everything = list(model.parameters())
    trained = [p for p in everything if p.requires_grad]
    return Size(
        parameters=sum(_numbers(p) for p in everything),
        trainable=sum(p.numel() for p in trained),
        adapter_bytes=sum(p.nbytes for p in trained),
    )


def gradient_bytes(parameters: Iterable[nn.Parameter]) -> int:
    """Of the gradients that are held at this moment."""
    return sum(p.grad.nbytes for p in parameters if p.grad is not None)


def optimiser_bytes(optimiser: torch.optim.Optimizer) -> int:
    """Of the optimiser's state, wherever it lies."""
    states = [getattr(optimiser, "optimizer", optimiser).state]
    return sum(tensor.nbytes for state in states for tensor in _tensors(state))


def kept_bytes(forward: Callable[[], object]) -> int:
    """What `forward` takes on the CPU and has not given back at its end: what is kept for the backward pass."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        result = forward()  # held until the end, and its graph with it
    del result
    return sum(event.self_cpu_memory_usage for event in seen.key_averages())


def reset_peak(device: str = "cpu") -> None:
    """Forget the highest use of memory so far: of a GPU, or of this process where the system allows it."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(device: str = "cpu") -> int | None:
    """The highest use of memory so far: what torch took of a GPU, or the whole process (VmHWM). None if unknown."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    return _status("VmHWM")


@dataclass(frozen=True, slots=True)
class Peak:
    """Memory of a process on its own: before the work began, and at its highest."""

    before: int
    peak: int

    @property
    def extra(self) -> int:
        return self.peak - self.before


def peak_in_child(target: str, *args: Any) -> Peak:
    """Run `module:function` in a fresh process, with arguments that JSON can carry, and read its memory.

    The function sets up, and returns a function without arguments: the work that is measured. The process is fresh
    because the highest use of a parent passes on to its children; each tensor's memory is given back when it is freed,
    so that what is measured is what the work needs and not the holes that it leaves.
    """
    call = [sys.executable, "-c", _CHILD, target, json.dumps(args)]
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    done = subprocess.run(call, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path} | _NO_HOLES)  # noqa: S603  # our own code
    if done.returncode:
        raise RuntimeError(f"{target} failed in its own process: {done.stderr.strip()[-2000:]}")
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


_NO_HOLES = {"MALLOC_MMAP_THRESHOLD_": "131072"}  # bytes; unset, glibc raises it to what was freed last
_CHILD = """
import importlib, json, sys
module, _, function = sys.argv[1].partition(":")
from refimpl._lab import measure
work = getattr(importlib.import_module(module), function)(*json.loads(sys.argv[2]))
measure.reset_peak()
before = measure._status("VmRSS") or 0
work()
print(json.dumps({"before": before, "peak": measure._status("VmHWM") or 0}))
"""


def _status(field: str) -> int | None:
    """A field of /proc/self/status, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith(f"{field}:")]
    return int(found[0][1]) * 1024 if found else None


def _numbers(parameter: nn.Parameter) -> int:
    state: Any = getattr(parameter, "quant_state", None)
    return int(torch.Size(state.shape).numel()) if state is not None else parameter.numel()


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in _tensors(item)]
    return []
