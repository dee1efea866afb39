"""The way in of the command `kb`, also as `python -m readrun`.

`catalog` is a name that other projects have too. Where such a one stands before readrun's on the path, as in a Django
project with `PYTHONPATH=.`, that is said in one line instead of running it.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

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
    if "_KB_COMPLETE" in os.environ:
        from catalog.completion import offered

        if (keys := offered()) is not None:
            print(keys)
            return
    from catalog.cli import main as run

    run()


def _elsewhere(name: str) -> str:
    """Where a package of this name would come from, if not from beside this file."""
    spec = PathFinder.find_spec(name)
    places = spec.submodule_search_locations or [spec.origin] if spec else []
    mine = os.path.join(os.path.dirname(os.path.realpath(__file__)), name)  # noqa: PTH118, PTH120 - see below
    found = any(place and os.path.realpath(place) == mine for place in places)  # pathlib takes longer than all of this
    return "" if found else str(next(iter(places), name))


if __name__ == "__main__":
    main()
