"""The text of a paper file: `loads` and `dumps`, with one canonical form.

Front matter is flat YAML, read with every scalar a string, so `2106.09680` keeps its zero and `no` stays `no`. Keys
that are not ours (other tools write there too) and comments are kept where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml
from pydantic import ValidationError

from catalog import conflict, front
from catalog.errors import BadFile, Finding
from catalog.filenames import key_of
from catalog.front import BaseLoader
from catalog.models import FENCE, FRONT_MATTER, READING, Paper
from catalog.text import ticks

_HEAD = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.S | re.M)
_STEEP = re.compile(r"^[ \t\-?:]{40}", re.M)
DEEPEST, LONGEST = 40, 1_000_000
_ANCHOR = re.compile(r"(?:^|[\s,:\[{\-])[&*][^\s,\]}]")


class _Loader(BaseLoader):
    """Every scalar a string; a key that stands twice is an error, not a silent loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a list in the place of a name", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def loads(text: str, key: str, path: str = "", apart: bool = False) -> Paper:
    """Read a paper file. With `apart`, what it says of reading is no field of it, and kept like those of others.

    Raises `BadFile` with a finding for each thing that is wrong: path, line, field, value, remedy.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    path = path or f"{key}.md"
    if unresolved := conflict.hunks(text):
        raise BadFile(*(_unresolved(hunk, key, path) for hunk in unresolved))
    head = _HEAD.match(text)
    if not head:
        what = "the front matter is not closed" if text.startswith("---") else "no front matter"
        raise BadFile(Finding("front-matter", what, "begin the file with ---, fields, ---", path, 1, key))
    source = head["yaml"]
    if alone := conflict.strays(source):
        said = [(line + 1, f"a mark of a merge stands alone: {mark[:40]!r}") for line, mark in alone]
        remedy = "look what the merge left around it, then remove the line"
        raise BadFile(*(Finding("conflict", message, remedy, path, line, key) for line, message in said))
    values = read_yaml(source, key, path)
    ours = [name for name in FRONT_MATTER if not (apart and name in READING)]
    known: dict[str, Any] = {name: value for name, value in values.items() if name in ours}
    known |= {"apart": True} if apart else {}
    extras = front.extras(source, values, ours)
    bibtex, notes = _split_body(text[head.end() :])
    try:
        return Paper.model_validate(known | {"key": key, "extras": extras, "bibtex": bibtex, "notes": notes})
    except ValidationError as e:
        raise BadFile(
            *sorted((_finding(err, source, key, path) for err in e.errors()), key=lambda found: found.line)
        ) from None


def _unresolved(hunk: conflict.Hunk, key: str, path: str) -> Finding:
    return Finding("conflict", str(hunk), f"`kb resolve {key}` shows both sides", path, hunk.first, key)


def dumps(paper: Paper) -> str:
    """The canonical text of a paper: fields in model order, defaults left out, one line end at the end."""
    values = paper.model_dump(mode="json", include=set(FRONT_MATTER), exclude_defaults=True)
    values |= {"status": str(paper.status)} | {
        name: str(number) for name in ("year", "rating") if (number := getattr(paper, name))
    }
    values = {name: value for name, value in values.items() if not (paper.apart and name in READING)}
    kept = dict(paper.extras)
    lines = ["---\n", *(front.field(name, values[name], kept) for name in FRONT_MATTER if name in values)]
    lines += [front.rest(kept), "---\n"]
    if paper.bibtex:
        fence = ticks(paper.bibtex)
        lines.append(f"\n{fence}bibtex\n{paper.bibtex}\n{fence}\n")
    if paper.notes:
        lines.append(f"\n{paper.notes}\n")
    return "".join(lines)


def same(one: Paper, other: Paper) -> bool:
    """Whether the files of two papers say the same, wherever their comments stand."""
    if one.apart and other.apart:
        other = other.model_copy(update={name: getattr(one, name) for name in READING})
    if one == other:
        return True
    fields = ({name: text for name, text in paper.extras.items() if not name.startswith("#")} for paper in (one, other))
    bare = [paper.model_copy(update={"extras": extras}) for paper, extras in zip((one, other), fields, strict=True)]
    return bare[0] == bare[1] and front.comments_of(one.extras) == front.comments_of(other.extras)


def extra(name: str, value: Any) -> str:
    """A field that has no slot in `Paper`, as `extras` hold it: its line or lines of YAML."""
    return front.field(name, value)


def fields_of(source: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of some front matter, and what in it has no slot in `Paper`, as `extras` hold it; raises `BadFile`."""
    values = read_yaml(source, "", "")
    return values, front.extras(source, values)


def bibtex_line(text: str) -> int:
    """The line of the file on which its BibTeX entry begins, from 1; 0 where it has none."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    head = _HEAD.match(text)
    body = text[head.end() :] if head else text
    stripped = body.lstrip()
    fence = FENCE.match(stripped)
    if not fence:
        return 0
    return text[: len(text) - len(stripped) + fence.end()].count("\n") + 2


def front_matter_line(text: str, field: str) -> int:
    """The line on which a top-level field of the front matter stands, from 1; 1 where it does not."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(f"{field}:"):
            return number
        if number > 1 and line.startswith("---"):
            break
    return 1


def read_key(file: str) -> str:
    """The citation key of a paper file's name; raises `BadFile` where it is none."""
    try:
        return key_of(file)
    except UnicodeDecodeError:
        raise BadFile(Finding("file-name", f"{file!r} is not a citation key", "rename the file", file)) from None


def _split_body(body: str) -> tuple[str, str]:
    """The BibTeX entry, if the body begins with one, and the notes after it."""
    body = re.sub(r"\A(?:[ \t]*\n)+", "", body)
    fence = FENCE.match(body)
    if not fence:
        return "", body
    close = re.compile(rf"^{fence['fence'][0]}{{{len(fence['fence'])},}}[ \t]*$", re.M).search(body, fence.end())
    if not close:
        return body[fence.end() + 1 :], ""
    return body[fence.end() + 1 : close.start()].removesuffix("\n"), body[close.end() :]


def read_yaml(source: str, key: str = "", path: str = "") -> dict[str, Any]:
    """The fields of a YAML text, every scalar a string, whatever anyone wrote; raises `BadFile`."""

    def bad(message: str, line: int, remedy: str = "write field: value, quoted where it holds ': ' or '#'") -> BadFile:
        return BadFile(Finding("front-matter", message, remedy, path, line, key))

    if len(source) > LONGEST:
        raise bad(
            f"the front matter has {len(source):,} characters; at most {LONGEST:,} are read", 2, "move it to notes"
        )
    try:
        depth = 0
        for event in yaml.parse(source, Loader=BaseLoader) if _doubtful(source) else ():
            line = event.start_mark.line + 2 if event.start_mark else 2
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise bad("YAML anchors and aliases are not read here", line, "quote the value, or write it out")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise bad(f"the front matter is nested more than {DEEPEST} deep", line, "write it flatter")
        values = yaml.load(source, Loader=_Loader)  # noqa: S506 - it makes strings, lists and mappings alone
    except RecursionError:
        raise bad("the front matter is nested too deeply", 2) from None
    except (yaml.YAMLError, UnicodeEncodeError) as e:
        mark = getattr(e, "problem_mark", None)
        problem = getattr(e, "problem", None) or getattr(e, "reason", None) or "not YAML"
        raise bad(f"the front matter is not valid YAML: {problem}", mark.line + 2 if mark else 2) from None
    if values in (None, ""):
        return {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise bad("the front matter is not a list of fields", 2)
    return values


def _doubtful(source: str) -> bool:
    """Whether it may hold anchors, or be so deep that building it would end the process: then its events are looked at.

    A level costs a bracket, or a column of indentation.
    """
    brackets = source.count("[") + source.count("{")
    return brackets > DEEPEST // 2 or bool(_STEEP.search(source) or _ANCHOR.search(source))


def _finding(err: Any, source: str, key: str, path: str) -> Finding:
    """A pydantic error as a finding on the line of the value it is about."""
    where = tuple(err["loc"])
    message = str(err.get("ctx", {}).get("error", err["msg"]))
    field = ".".join(str(part) for part in where if part not in ("key",))
    if err["type"] != "value_error":
        message = f"{str(err['input'])[:60]!r}: {message}"
    message, _, remedy = message.partition("; ")
    line = 1
    if where and where[0] == "links":
        field, line = _link_of(str(err["input"]), source)
    elif where and where[0] in FRONT_MATTER:
        line = _line_of(where, source)
    return Finding("field", f"{field}: {message}" if field else message, remedy, path, line, key)


def _link_of(value: str, source: str) -> tuple[str, int]:
    """The name and the line of the link that has this name or this address."""
    root = yaml.compose(source, Loader=BaseLoader)
    assert root, "a source that gave a finding is not empty"
    links = next(value for key, value in root.value if key.value == "links")
    for name, node in links.value if isinstance(links, yaml.MappingNode) else ():
        for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if value in (name.value, item.value) or str(item.value).endswith(f"]({value})"):
                return f"links.{name.value}", item.start_mark.line + 2
    return "links", links.start_mark.line + 2


def _line_of(where: tuple[Any, ...], source: str) -> int:
    node = yaml.compose(source, Loader=BaseLoader)
    line = 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if not found:
                break
            line, node = found[0].start_mark.line + 2, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 2
    return line
