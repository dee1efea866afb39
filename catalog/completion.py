"""The keys that a shell offers, answered from the index before anything else is loaded.

Whatever is not simple (an option in the line, a key that has to be quoted, an index that is not up to date) is left to
the whole program, which says the same of the simple ones.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

FIRST = frozenset(  # commands whose first word is a key
    ["attach", "edit", "link", "log", "merge", "note", "open", "rate", "rename", "resolve", "show", "split"]
)
ALL = frozenset(  # commands that take keys alone, or keys and then something else
    ["cite", "due", "mark-read", "mark-reading", "mark-unread", "queue", "rm", "similar", "tag"]
)
FORMS = {  # without a title and with one, as click writes them
    "bash_complete": ("plain,{0}", "plain,{0}"),
    "zsh_complete": ("plain\n{0}\n_", "plain\n{0}\n{1}"),
    "fish_complete": ("plain,{0}", "plain,{0}\t{1}"),
}
MOST_TITLES = 40
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-")
_KEYS = "SELECT key, shown FROM paper WHERE key >= ? AND key < ? ORDER BY key"
_LAST = "\U0010ffff"


def offered() -> str | None:
    """What a shell is to offer; None where it takes the whole program to say."""
    try:
        instruction = os.environ["_KB_COMPLETE"]
        start = _start(instruction == "fish_complete")
        root = _root()
        if instruction not in FORMS or start is None or root is None:
            return None
        found = _found(root, start)
    except Exception:  # the whole program knows what to do about it
        return None
    if not found or not all(_SAFE.issuperset(key) and key[0] != "-" and title.isprintable() for key, title in found):
        return None
    form = FORMS[instruction]
    titled = len(found) <= MOST_TITLES
    return "\n".join(form[bool(title and titled)].format(key, title[:60]) for key, title in found)


def _start(fish: bool) -> str | None:
    """The beginning of the key that is being typed; None where it may be another word."""
    line, at = os.environ["COMP_WORDS"], os.environ["COMP_CWORD"]
    if not _SAFE.issuperset((line + at).replace(" ", "").replace("/", "")):
        return None
    words = line.split()
    if fish:
        given, start = words[1:-1] if at and words[-1] == at else words[1:], at
    else:
        given, start = words[1 : int(at)], words[int(at)] if int(at) < len(words) else ""
    if not given or any(word.startswith("-") for word in (*given, start)) or "/" in start:
        return None
    return start if given[0] in ALL or (given[0] in FIRST and len(given) == 1) else None


def _root() -> str | None:
    """The nearest folder upwards with a `kb.toml`, or the one that is named."""
    if named := os.environ.get("KB_ROOT"):
        return named
    folder = os.getcwd()  # noqa: PTH109 - pathlib takes longer to load than all of this
    while not os.path.isfile(f"{folder}/kb.toml"):  # noqa: PTH113 - see above
        if folder == (folder := os.path.dirname(folder)):  # noqa: PTH120 - see above
            return None
    return folder


def _found(root: str, start: str) -> list[tuple[str, str]] | None:
    """Keys and titles from the index; None where there is none, or the folder of papers has changed since."""
    import sqlite3

    index = f"{root}/.kb/index.sqlite"
    with open(f"{root}/kb.toml", encoding="utf-8") as config:  # noqa: PTH123 - see above
        elsewhere = any(line.lstrip(" \"'").startswith("papers") for line in config)
    if elsewhere or not os.path.isfile(index):  # noqa: PTH113 - see above
        return None
    db = sqlite3.connect(index)
    try:
        return db.execute(_KEYS, (start, start + _LAST)).fetchall() if _is_current(db, f"{root}/papers") else None
    finally:
        db.close()


def _is_current(db: sqlite3.Connection, folder: str) -> bool:
    """Whether the folder is as it was when the index was last brought up to date; a file written in place keeps its
    key."""
    at = os.stat(folder)  # noqa: PTH116 - see above
    mark = f"{at.st_mtime_ns}.{at.st_ctime_ns}.{at.st_ino}.{at.st_size}"
    seen = db.execute("SELECT value FROM meta WHERE name = 'seen'").fetchone()
    return seen is not None and str(seen[0]).startswith(f'["{mark}|')
