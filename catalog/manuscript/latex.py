"""What a LaTeX source cites and takes in, and what LaTeX and biblatex wrote of it: `.aux`, `.bcf`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from catalog.manuscript.parts import Commands, Include, Reading, unique
from catalog.text import Lines

_AUX_CITE = re.compile(r"^\\(?:citation|abx@aux@(?:no)?cite(?:\{\d+\})?)\{([^{}]*)\}", re.M)
_AUX_INPUT = re.compile(r"^\\@input\{([^{}]*)\}", re.M)
_BCF_CITE = re.compile(r"<bcf:citekey\b([^<>]*)>([^<]*)</bcf:citekey>")
_BCF_MEMBERS = re.compile(r"\bmembers=\"([^\"]*)\"")

_HIDDEN = re.compile(
    r"\\begin\s*\{(?P<env>verbatim\*?|[BL]?Verbatim\*?|lstlisting|minted|comment|filecontents\*?)\}"
    r"|\\(?P<verb>verb\*?|lstinline(?:\[[^\]\n]{0,200}\])?|mintinline\s*\{\w*\})(?P<open>[^\sA-Za-z*])"
    r"|\\end\s*\{(?P<end>document)\}"
    r"|(?P<comment>%)"
    r"|\\.",
    re.S,
)
_CONDITION = re.compile(r"(?<!\\)(?:\\\\)*+\\(?P<word>if[A-Za-z@]*|else|fi)(?![A-Za-z@])(?P<group>[ \t]*\{)?")
_NEVER = re.compile(r"(?<!\\)\\if[ \t]*0(?:[ \t]*1|(?![\d.]))")
_NO_CONDITION = frozenset({"iff", "ifthenelse"})
_COMMAND = re.compile(r"(?<!\\)(?:\\\\)*+\\(?P<name>[A-Za-z@]+)\*?")
_CITING = re.compile(r"[A-Za-z]*[Cc]ite[A-Za-z]*|bibentry|(?:text|block)cquote")
_CITING_LATER = re.compile(
    r"(?:foreign|hyphen)(?:text|block|display)cquote|hyphentextcquote|[a-z]?volcite|[A-Z]volcite"
)
_NOT_CITING = re.compile(
    r"(?:set)?cite(?:style|reset|trackers?(?:true|false)?|text|name|namefont|color|index\w*|mid|left|right|punct|"
    r"sep|dash|form|bibpagesep|alias|unit)|(?:new|renew)cites|(?:At|Declare|Use|Each|Every|If|if|the|Default)\w*"
    r"[Cc]ite\w*"
)
_QUOTE = re.compile(r"\\begin\s*\{(?:displaycquote|(?P<later>(?:foreign|hyphen)displaycquote))\}")
_SPACE = re.compile(r"\s*")
_KEYS = re.compile(r"\{([^{}]*)\}")
_CLOSES = {"[": "]", "(": ")", "<": ">", "{": "}"}
_MARKS = {closing: re.compile(rf"[{{}}\{closing}]|\\.|\n[ \t]*\n", re.S) for closing in _CLOSES.values()}
_LONGEST_NOTE = 1000
_LONGEST_NAME = 100

_INPUT = re.compile(
    r"\\(?:(?P<two>(?:sub)?import|(?:sub)?(?:include|input)from)\*?\s*\{(?P<folder>[^{}#]*)\}\s*\{(?P<in>[^{}#]+)\}"
    r"|(?:input|include|subfile|subfileinclude|@input|InputIfFileExists|loadouterfile)\s*\{(?P<one>[^{}#]+)\}"
    r"|input(?![A-Za-z@])\s*(?P<bare>\"[^\"\n]+\"|[^\s{}%#\\]+)"
    r"|(?:usepackage|RequirePackage)\s*(?:\[[^\]]{0,1000}\]\s*)?\{(?P<packages>[^{}#]+)\})"
)
_DEFINITION = re.compile(
    r"\\(?:(?:(?:re)?new|provide)command|DeclareRobustCommand|newrobustcmd)\*?\s*(?:\{\s*\\([A-Za-z@]+)\s*\}|\\([A-Za-z@]+))"
    r"\s*(?:\[(?P<count>\d)\])?\s*(?P<default>\[[^\]]{0,1000}\])?\s*(?P<new>\{)"
    r"|\\(?:New|Renew|Provide|Declare)(?:Expandable)?DocumentCommand\s*\{?\s*\\([A-Za-z@]+)\s*\}?\s*"
    r"\{(?P<spec>(?:[^{}]|\{[^{}]*\})*)\}\s*(?P<document>\{)"
    r"|\\[gex]?def\s*\\([A-Za-z@]+)\s*(?P<hashes>(?:#\d)*)\s*(?P<def>\{)"
    r"|\\let\s*\\([A-Za-z@]+)\s*=?\s*\\(?P<let>[A-Za-z@]+)"
)
_ARGUMENT = re.compile(r"[somOtdDrRgGv]")


def read_aux(text: str) -> Reading:
    """The citations in an `.aux`, and the `.aux` files of its chapters."""
    keys = [key.strip() for keys in _AUX_CITE.findall(text) for key in keys.split(",")]
    lines = Lines(text)
    inputs = [Include(f"\\@input{{{m[1]}}}", m[1].strip(), lines.of(m.start())) for m in _AUX_INPUT.finditer(text)]
    return Reading(unique(keys), includes=tuple(inputs))


def read_bcf(text: str) -> Reading:
    """The citations in a `.bcf`, which biblatex writes for biber."""
    keys: list[str] = []
    for attributes, key in _BCF_CITE.findall(text):
        members = _BCF_MEMBERS.search(attributes)
        keys += map(str.strip, html.unescape(members[1]).split(",")) if members else [html.unescape(key).strip()]
    return Reading(unique(keys))


def read_tex(text: str, commands: Commands = {}) -> Reading:  # noqa: B006 - never changed
    r"""What a source cites: by the commands of natbib, biblatex, csquotes and apacite, and by the author's own.

    `commands` are those that other files define. Comments, verbatim text, what stands in `\iffalse … \fi` and after
    `\end{document}` does not count.
    """
    seen = _visible(text)
    own = _own_commands(seen)
    keys = [key.strip() for keys in _cited(seen, {**commands, **own}) for key in keys.split(",")]
    keys = [key[1:] if key[:1] == "*" and len(key) > 1 else key for key in keys]  # mciteplus writes on what is before
    clean = [key for key in keys if "\\" not in key and "#" not in key]
    return Reading(unique(clean), includes=tuple(_includes(seen)), commands=own)


def latex_keys(text: str) -> list[str]:
    """The keys in the LaTeX commands that stand in a text of another kind."""
    cited = (key.strip() for keys in (_cited(text, {}) if "\\" in text else ()) for key in keys.split(","))
    return [key for key in cited if key and "\\" not in key and "#" not in key]


def _visible(text: str) -> str:
    """Source without comments, verbatim text, what is switched off, and what follows the document; lines stay."""
    kept: list[str] = []
    unclosed: set[str] = set()
    start = at = 0
    while found := _HIDDEN.search(text, at):
        at = found.end()
        if found["end"]:
            return _without_false("".join([*kept, text[start : found.start()]]))
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
            kept += [text[start : found.start()], "\n" * text.count("\n", found.start(), stop)]
            start = at = stop
    return _without_false("".join([*kept, text[start:]]))


def _verb_stop(text: str, at: int, delimiter: str) -> int:
    r"""The position after `\verb|…|`, which never goes past its line; -1 where it does not end."""
    line_end = text.find("\n", at)
    stop = text.find("}" if delimiter == "{" else delimiter, at, len(text) if line_end < 0 else line_end)
    return stop + 1 if stop >= 0 else -1


def _without_false(text: str) -> str:
    r"""Source without what stands in `\iffalse` or behind the `\else` of `\iftrue`; lines stay."""
    text = _NEVER.sub(r"\\iffalse ", text)
    if "\\iffalse" not in text and "\\iftrue" not in text:
        return text
    spans: list[tuple[int, int]] = []
    nest: list[tuple[str, int]] = []
    for found in _CONDITION.finditer(text):
        word = found["word"]
        if word.startswith("if"):
            if not found["group"] and word not in _NO_CONDITION and not text.endswith("\\newif", 0, found.start()):
                nest.append((word, found.end() if word == "iffalse" else -1))
        elif nest:
            opened, hidden = nest.pop()
            spans += [(hidden, found.start())] if hidden >= 0 else []
            nest += [("", found.end() if opened == "iftrue" else -1)] if word == "else" else []
    parts, shown = [], 0
    for start, stop in sorted(spans):
        if stop > shown:
            parts += [text[shown : max(start, shown)], "\n" * text.count("\n", max(start, shown), stop)]
            shown = stop
    return "".join([*parts, text[shown:]])


def _own_commands(text: str) -> dict[str, tuple[str, int]]:
    r"""The author's commands whose body cites one of their arguments: `\newcommand{\see}[1]{(see \cite{#1})}`."""
    own: dict[str, tuple[str, int]] = {}
    for found in _DEFINITION.finditer(text):
        name = next(filter(None, found.group(1, 2, 6, 9, 12)))
        if found["let"]:
            if _is_citing(found["let"]) or found["let"] in own:
                own[name] = own.get(found["let"], ("", 0))
            continue
        opened = next(found.end() - 1 for group in ("new", "document", "def") if found[group])
        stop = _note_stop(text, opened, "}")
        body = text[opened + 1 : stop - 1] if stop >= 0 else ""
        kinds = _kinds(found)
        if not kinds and _alias_of_citing(body):
            own[name] = ("", 0)
        for keys in _cited(body, own) if kinds else ():
            if (used := re.fullmatch(r"\s*#(\d)\s*", keys)) and 0 < int(used[1]) <= len(kinds):
                own[name] = (kinds, int(used[1]))
    return own


def _kinds(found: re.Match[str]) -> str:
    if found["new"]:
        kinds = "m" * int(found["count"] or 0)
        return f"o{kinds[1:]}" if found["default"] else kinds
    if found["spec"] is not None:
        letters = _ARGUMENT.findall(re.sub(r"\{[^{}]*\}", "", found["spec"]))
        return "".join("m" if letter == "m" else "s" if letter in "st" else "o" for letter in letters)
    return "m" * (len(found["hashes"] or "") // 2)


def _alias_of_citing(body: str) -> bool:
    found = _COMMAND.fullmatch(body.strip())
    return bool(found and _is_citing(found["name"]))


def _is_citing(name: str) -> bool:
    if len(name) > _LONGEST_NAME or _NOT_CITING.fullmatch(name):
        return False
    return bool(_CITING.fullmatch(name) or _CITING_LATER.fullmatch(name))


def _cited(text: str, own: Commands) -> Iterator[str]:
    for command in _COMMAND.finditer(text):
        name = command["name"]
        at = command.end()
        if name in own and own[name][1]:
            yield from _argument(text, command.end("name"), *own[name])
        elif name in own or _is_citing(name):
            several = name.lower().endswith(("cites", "citetexts"))
            yield from _keys_at(text, at, several, bool(_CITING_LATER.fullmatch(name)))
    for quote in _QUOTE.finditer(text):
        yield from _keys_at(text, quote.end(), False, bool(quote["later"]))


def _keys_at(text: str, at: int, several: bool, later: bool) -> Iterator[str]:
    if later:
        group = _KEYS.match(text, _after_notes(text, at))
        at = group.end() if group else at
    keys = _KEYS.match(text, _after_notes(text, at))
    while keys:
        yield keys[1]
        keys = _KEYS.match(text, _after_notes(text, keys.end())) if several else None


def _argument(text: str, at: int, kinds: str, wanted: int) -> Iterator[str]:
    """One of the arguments of a call of the author's own command."""
    for number, kind in enumerate(kinds, start=1):
        blank = _SPACE.match(text, at)
        at = blank.end() if blank else at
        if kind == "s":
            at += text.startswith("*", at)
        elif kind == "o":
            stop = _note_stop(text, at, "]") if text.startswith("[", at) else -1
            at = max(at, stop)
        else:
            stop = _note_stop(text, at, "}") if text.startswith("{", at) else -1
            if stop < 0:
                return
            if number == wanted:
                yield text[at + 1 : stop - 1]
            at = stop


def _after_notes(text: str, at: int) -> int:
    """The position after the optional arguments, `[see][p. 3]`, `(pre)(post)` and `<2->`, and white space."""
    while True:
        blank = _SPACE.match(text, at)
        at = blank.end() if blank else at
        closing = _CLOSES.get(text[at : at + 1])
        stop = _note_stop(text, at, closing) if closing and closing != "}" else -1
        if stop < 0:
            return at
        at = stop


def _note_stop(text: str, at: int, closing: str) -> int:
    """The position after the bracket that closes the one at a position, braces respected; -1 where none does."""
    if text.find(closing, at + 1, at + _LONGEST_NOTE) < 0:
        return -1
    depth = 0
    for mark in _MARKS[closing].finditer(text, at + 1, at + _LONGEST_NOTE):
        char = mark.group()
        if char[0] == "\n":
            return -1
        if char == closing and not depth:
            return mark.end()
        if char in "{}":
            depth += 1 if char == "{" else -1
        if depth < 0:
            return -1
    return -1


def _includes(text: str) -> Iterator[Include]:
    lines = Lines(text)
    for found in _INPUT.finditer(text):
        line = lines.of(found.start())
        written = " ".join(found.group().split())
        if found["packages"]:
            names = [name.strip() for name in found["packages"].split(",")]
            yield from (Include(written, f"{name}.sty", line, optional=True) for name in names if "\\" not in name)
        elif found["two"]:
            relative = found["two"].startswith("sub")
            name = "" if "\\" in found["folder"] + found["in"] else found["in"].strip()
            yield Include(written, name, line, found["folder"].strip(), relative)
        else:
            name = (found["one"] or found["bare"]).strip().strip('"')
            yield Include(written, "" if "\\" in name else name, line, optional="IfFileExists" in written)
