"""One reference implementation a paper, and the registry that reads them without importing torch."""

import os as _os

from refimpl.registry import Card, Claim, Problem, cards, read_card

# Threads that spin while they wait cost several times the work itself wherever cores are shared.
_os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__all__ = ["Card", "Claim", "Problem", "cards", "read_card"]
