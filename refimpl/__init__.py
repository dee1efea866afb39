"""One reference implementation a paper, and the registry that reads them without importing torch."""

from refimpl.registry import Card, Claim, Problem, cards, read_card

__all__ = ["Card", "Claim", "Problem", "cards", "read_card"]
