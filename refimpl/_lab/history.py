"""What a training run did and cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from refimpl._lab import LabError


@dataclass
class History:
    """The loss of every step, and sums over the run; bytes as they were after its last step."""

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    gradient_bytes: int = 0
    optimiser_bytes: int = 0
    processes: int = 1

    def demand_numbers(self) -> None:
        """Raises `LabError` where a loss is NaN or infinite."""
        if not all(map(math.isfinite, self.losses)):
            raise LabError("the loss is no longer a number; take a smaller learning rate")

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def seconds_per_step(self) -> float:
        return self.seconds / len(self.losses) if self.losses else 0.0

    @property
    def cpu_seconds_per_step(self) -> float:
        return self.cpu_seconds / len(self.losses) if self.losses else 0.0
