"""What QLoRA takes from bitsandbytes where it is installed: kernels, layers already in 4 bits, the paged optimiser."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from refimpl import _claims
from refimpl._claims import NotHere
from refimpl._lab.loop import adamw

LOADED_AS = "BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True)"

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # on import it warns of a kernel that is of no use here


class OtherFormat(ValueError):
    """A 4-bit layer is not what QLoRA trains through; the message says how to load the model."""


@functools.cache
def library() -> Any:
    """The package, or None where it is not installed."""
    try:
        return _claims.library("bitsandbytes")
    except NotHere:
        return None


def dequantize(
    packed: Tensor, c2: Tensor, c1: Tensor, offset: Tensor, code: Tensor, shape: torch.Size, dtype: torch.dtype
) -> Tensor:
    """A weight from its NF4 bytes and its constants: `code[c2]` times `c1`, plus `offset`.

    Its kernel for CPUs begins a new block with each row (0.50.2, backends/cpu/ops.py), which is not where the bytes
    have one unless 64 divides a row: such a weight is read as one long row.
    """
    ops = torch.ops.bitsandbytes
    constants = ops.dequantize_blockwise.default(c2, c1, code, 256, torch.float32) + offset
    rows = shape if shape[-1] % 64 == 0 else (1, shape.numel())
    weight: Tensor = ops.dequantize_4bit.default(packed, constants, 64, "nf4", rows, dtype)
    return weight.view(shape)


class Frozen(nn.Module):
    """Where a Linear stood: its weight in NF4, its bias, and what it was. The constants stay as wide as they are."""

    def __init__(self, was: nn.Linear, W: Tensor, **constants: Tensor) -> None:
        super().__init__()
        self.shape, self.dtype = torch.Size([was.out_features, was.in_features]), dtype_of(was)
        self.out_features, self.in_features = self.shape
        self.W = nn.Parameter(W, requires_grad=False)
        vars(self.W)["quant_state"] = SimpleNamespace(shape=self.shape)  # how many weights the bytes stand for
        self.names = tuple(constants)
        for name, tensor in constants.items():
            self.register_buffer(name, tensor, persistent=name not in ("nf4", "float8"))  # the same in every layer
        self.register_buffer("bias", None if was.bias is None else was.bias.detach())

    def held(self) -> tuple[Tensor, ...]:
        """W and the constants, in the order in which they were given. Raises ValueError where they were cast."""
        constants = tuple(self.get_buffer(name) for name in self.names)
        if odd := [t.dtype for t in constants if t.is_floating_point() and t.dtype != torch.float32]:
            raise ValueError(f"the constants were cast to {odd[0]} with the model; cast it before `apply` instead")
        return self.W, *constants


def quantized(layer: nn.Linear) -> tuple[Tensor, ...] | None:
    """Bytes, c2, c1, offset and both codes of a layer that bitsandbytes has quantised; None for any other layer."""
    state: Any = getattr(layer.weight, "quant_state", None)
    if state is None:
        if layer.weight.is_floating_point():
            return None
        raise OtherFormat(f"a weight is {layer.weight.dtype}: load the model whole, or with {LOADED_AS}")
    if (state.quant_type, state.blocksize, state.nested) != ("nf4", 64, True):
        raise OtherFormat(
            f"a layer is not NF4 twice quantised: load the model with {LOADED_AS}, and apply before it runs"
        )
    packed, nested = layer.weight.detach().view(torch.uint8).flatten(), state.state2
    return packed, state.absmax, nested.absmax, state.offset, state.code, nested.code


def dtype_of(layer: nn.Linear) -> torch.dtype:
    """Of the weight, before it was quantised."""
    state: Any = getattr(layer.weight, "quant_state", None)
    dtype: torch.dtype = layer.weight.dtype if state is None else state.dtype
    return dtype


def optimiser(device: str) -> Callable[[list[nn.Parameter], float], torch.optim.Optimizer]:
    """AdamW; on a GPU it is paged where the library is installed."""
    return paged_adamw if device.startswith("cuda") and library() is not None else adamw


def paged_adamw(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """AdamW without weight decay, whose state is paged out to the CPU's memory where the GPU's runs out."""
    if not torch.cuda.is_available():
        raise NotHere("an NVIDIA GPU: what is paged is CUDA's unified memory")
    optimiser: torch.optim.Optimizer = _claims.library("bitsandbytes").optim.PagedAdamW32bit(
        parameters, lr=lr, weight_decay=0.0
    )
    return optimiser
