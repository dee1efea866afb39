"""What travels with the package for every site: scripts, styles, the font of formulas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

THEME = Path(__file__).parent / "theme"


@lru_cache(maxsize=1)
def assets() -> tuple[tuple[str, bytes], ...]:
    """The static files of a site, by their path in it."""
    return tuple(_files("assets", "assets"))


def _files(folder: str, under: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted((THEME / folder).rglob("*")):
        if path.is_file():
            yield f"{under}/{path.relative_to(THEME / folder).as_posix()}", path.read_bytes()
