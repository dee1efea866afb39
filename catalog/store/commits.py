"""One git commit a change, for those who ask for it with `autocommit = true`.

Both that setting and a `.git/` may have come with the folder. Until the folder is trusted, git runs nothing that they
name: no hook, no monitor, no signing program, and nothing at all where the folder brings filters of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from catalog.trust import is_trusted

_RUNS_NOTHING = tuple(
    word
    for setting in ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "commit.gpgSign=false")
    for word in ("-c", setting)
)
_OF_THE_FOLDER = ("local", "worktree")
_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_OF_ANOTHER = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


def git_commit(root: Path, what: str, paths: Sequence[str]) -> str:
    """Commit these files of a work tree and nothing else; returns why that could not be done, or "".

    Does nothing while a merge, a rebase or the like is under way.
    """
    try:
        trusted = is_trusted(root)
        if not trusted and (filters := sorted(_filters(root))):
            return f"autocommit: git would run {filters[0]} of this folder; `kb trust` agrees, or commit it yourself"
        careful = () if trusted else _RUNS_NOTHING
        top = git(root, "rev-parse", "--absolute-git-dir").strip()
        if any((Path(top) / name).exists() for name in _UNDER_WAY):
            return ""
        known = set(git(root, *careful, "ls-files", "-z", "--", *paths).split("\0"))
        ours = [path for path in paths if path in known or (root / path).exists()]
        if ours:
            git(root, *careful, "add", "-A", "--", *ours)
            git(root, *careful, "commit", "-q", "-m", f"kb {what}"[:200], "--", *ours)
    except FileNotFoundError:
        return "autocommit: there is no git on this machine"
    except subprocess.CalledProcessError as e:
        return f"autocommit: {said_by(e)}"
    return ""


def said_by(error: subprocess.CalledProcessError) -> str:
    """The line in which git says why, among its hints."""
    lines = [line for line in f"{error.stderr or error.stdout or ''}".splitlines() if line.strip()]
    fatal = (line for line in lines if line.startswith(("fatal:", "error:")))
    return next(fatal, lines[0] if lines else f"git ends with {error.returncode}")


def _filters(root: Path) -> Iterator[str]:
    """The programs that the folder's own git settings name for what goes into a commit."""
    names = r"^filter\..*\.(clean|process)$"
    try:
        said = git(root, "config", "--includes", "--show-scope", "-z", "--name-only", "--get-regexp", names)
    except subprocess.CalledProcessError:  # there are none
        return
    words = said.split("\0")
    yield from (name for scope, name in zip(words[::2], words[1::2], strict=False) if scope in _OF_THE_FOLDER)


def git(root: Path, *words: str) -> str:
    """What git says in the folder, whatever repository the environment names, as it does within a hook.

    Raises `FileNotFoundError` where there is no git, and `CalledProcessError` where it refuses.
    """
    command = ["git", "--literal-pathspecs", "-C", str(root), *words]
    ours = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER}
    done = subprocess.run(command, capture_output=True, text=True, check=True, errors="replace", env=ours)  # noqa: S603 - our own words
    return done.stdout
