"""Which keys a manuscript cites: read from the `.aux` that LaTeX wrote, or from the `.tex` source."""

from __future__ import annotations

import re
from collections.abc import Iterator

_AUX_CITE = re.compile(r"^\\(?:citation|abx@aux@(?:no)?cite(?:\{\d+\})?)\{([^{}]*)\}", re.M)
_AUX_MARK = re.compile(r"^\\(?:relax\b|citation\{|abx@aux@|bibstyle\{|bibdata\{|@input\{|gdef\s*\\@abspage)", re.M)
_AUX_INPUT = re.compile(r"^\\@input\{([^{}]*)\}", re.M)
_TEX_INPUT = re.compile(r"\\(?:input|include|subfile)\s*\{([^{}\\#]+)\}")

_HIDDEN = re.compile(
    r"\\begin\s*\{(?P<env>verbatim\*?|[BL]?Verbatim\*?|lstlisting|minted|comment|filecontents\*?)\}"
    r"|\\(?P<verb>verb\*?|lstinline(?:\[[^\]\n]{0,200}\])?|mintinline\s*\{\w*\})(?P<open>[^\sA-Za-z*])"
    r"|\\end\s*\{(?P<end>document)\}"
    r"|(?P<comment>%)"
    r"|\\.",
    re.S,
)
_CITE = re.compile(r"(?<!\\)(?:\\\\)*+\\(?P<name>[A-Za-z]*[Cc]ite[A-Za-z]*|bibentry)\*?")
_NOT_CITING = re.compile(
    r"(?:set)?cite(?:style|reset|trackers?(?:true|false)?|text|name|namefont|color|index\w*|mid|left|right|punct|"
    r"sep|dash|form|bibpagesep|alias|unit)|(?:new|renew)cites?|(?:At|Declare|Use|Each|Every|If|if|the|Default)\w*[Cc]ite\w*"
)
_VOLUME = re.compile(r"[a-z]?volcite|[A-Z]volcite")
_SPACE = re.compile(r"\s*")
_KEYS = re.compile(r"\{([^{}]*)\}")
_CLOSES = {"[": "]", "(": ")", "<": ">"}
_MARKS = {closing: re.compile(rf"[{{}}\{closing}]|\\.|\n[ \t]*\n", re.S) for closing in _CLOSES.values()}
_LONGEST_NOTE = 1000


def cited_keys(text: str, name: str = "") -> list[str]:
    r"""The keys that an `.aux` or `.tex` text cites, in order, each once; `*` where it says `\nocite{*}`.

    The file's `name` tells which of the two it is; without one, the text does. In a `.tex`, comments, verbatim text
    and what stands after `\end{document}` do not count.
    """
    lists = _AUX_CITE.findall(text) if is_aux(text, name) else _in_tex(_visible(text))
    keys = (key.strip() for keys in lists for key in keys.split(","))
    return list(dict.fromkeys(key for key in keys if key and "\\" not in key and "#" not in key))


def included(text: str, name: str = "") -> list[str]:
    r"""The files that an `.aux` or `.tex` takes in (`\@input`, `\input`, `\include`), as named there, each once."""
    found = _AUX_INPUT.findall(text) if is_aux(text, name) else _TEX_INPUT.findall(_visible(text))
    return list(dict.fromkeys(file.strip() for file in found if file.strip()))


def is_aux(text: str, name: str = "") -> bool:
    """Whether this is what LaTeX wrote, rather than what a person did."""
    ending = name.lower().rpartition(".")[2] if "." in name else ""
    return ending == "aux" or (ending not in ("tex", "ltx", "latex") and bool(_AUX_MARK.search(text)))


def _visible(text: str) -> str:
    """LaTeX source without comments, verbatim text, and what follows the document."""
    kept: list[str] = []
    unclosed: set[str] = set()
    start = at = 0
    while found := _HIDDEN.search(text, at):
        at = found.end()
        if found["end"]:
            return "".join([*kept, text[start : found.start()]])
        if found["comment"]:
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
        elif found["env"] and found["env"] not in unclosed:
            stop = text.find(f"\\end{{{found['env']}}}", at)
            if stop < 0:
                unclosed.add(found["env"])
        elif found["verb"]:
            stop = _verb_stop(text, at, found["open"])
        else:
            continue
        if stop >= 0:
            kept.append(text[start : found.start()])
            start = at = stop
    return "".join([*kept, text[start:]])


def _verb_stop(text: str, at: int, delimiter: str) -> int:
    r"""The position after `\verb|…|`, which never goes past its line; -1 where it does not end."""
    line_end = text.find("\n", at)
    stop = text.find("}" if delimiter == "{" else delimiter, at, len(text) if line_end < 0 else line_end)
    return stop + 1 if stop >= 0 else -1


def _in_tex(text: str) -> Iterator[str]:
    for command in _CITE.finditer(text):
        name = command["name"]
        if _NOT_CITING.fullmatch(name):
            continue
        at = command.end()
        several = name.lower().endswith(("cites", "citetexts"))
        if _VOLUME.fullmatch(name):
            at = _after_group(text, _after_notes(text, at))
        keys = _KEYS.match(text, _after_notes(text, at))
        while keys:
            yield keys[1]
            keys = _KEYS.match(text, _after_notes(text, keys.end())) if several else None


def _after_group(text: str, at: int) -> int:
    group = _KEYS.match(text, at)
    return group.end() if group else at


def _after_notes(text: str, at: int) -> int:
    """The position after the optional arguments, `[see][p. 3]`, `(pre)(post)` and `<2->`, and white space."""
    while True:
        blank = _SPACE.match(text, at)
        at = blank.end() if blank else at
        closing = _CLOSES.get(text[at : at + 1])
        stop = _note_stop(text, at, closing) if closing else -1
        if stop < 0:
            return at
        at = stop


def _note_stop(text: str, at: int, closing: str) -> int:
    """The position after the bracket that closes the one at a position, braces respected; -1 where none does."""
    depth = 0
    for mark in _MARKS[closing].finditer(text, at + 1, at + _LONGEST_NOTE):
        char = mark.group()
        if char[0] == "\n":
            return -1
        if char in "{}":
            depth += 1 if char == "{" else -1
        if depth < 0:
            return -1
        if char == closing and not depth:
            return mark.end()
    return -1
