"""The way in of the command `kb`, also as `python -m readrun`.

`catalog` is a name that other projects have too. Where such a one stands before readrun's on the path, as in a Django
project with `PYTHONPATH=.`, that is said in one line instead of running it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Run `kb`: exit status 0, 1 for an error, 2 for a wrong call."""
    for name in ("catalog", "refimpl"):
        if other := _elsewhere(name):
            print(
                f"kb: {other} is another package called {name} and stands before readrun's; "
                "run kb from another folder, or without PYTHONPATH",
                file=sys.stderr,
            )
            sys.exit(2)
    from catalog.cli import main as run

    run()


def _elsewhere(name: str) -> str:
    """Where a package of this name would come from, if not from beside this file."""
    spec = find_spec(name)
    places = spec.submodule_search_locations or [spec.origin] if spec else []
    mine = Path(__file__).resolve().parent / name
    return "" if any(place and Path(place).resolve() == mine for place in places) else str(next(iter(places), name))


if __name__ == "__main__":
    main()
