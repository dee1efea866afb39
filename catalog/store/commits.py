"""One git commit a change, for those who ask for it with `autocommit = true`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def git_commit(root: Path, what: str, paths: Sequence[str]) -> str:
    """Commit these files of a work tree and nothing else; returns why that could not be done, or "".

    Does nothing while a merge or a rebase is under way.
    """
    try:
        top = _git(root, "rev-parse", "--absolute-git-dir").strip()
        if any((Path(top) / name).exists() for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply")):
            return ""
        known = set(_git(root, "ls-files", "-z", "--", *paths).split("\0"))
        ours = [path for path in paths if path in known or (root / path).exists()]
        if ours:
            _git(root, "add", "-A", "--", *ours)
            _git(root, "commit", "-q", "-m", f"kb {what}"[:200], "--", *ours)
    except FileNotFoundError:
        return "autocommit: there is no git on this machine"
    except subprocess.CalledProcessError as e:
        said = (e.stderr or e.stdout or "git failed").strip().splitlines()
        return f"autocommit: {said[-1]}"
    return ""


def _git(root: Path, *words: str) -> str:
    command = ["git", "--literal-pathspecs", "-C", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, errors="replace")  # noqa: S603 - our own words
    return done.stdout
