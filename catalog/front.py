"""The lines of front matter: fields that are not ours, verbatim; comments, and what they stand beside; canonical form.

A comment is kept under `#` and the path of what it stands before, `#>` and that of the line it ends, `#<` and the field
at whose end it stands: `#tags`, `#>links/paper`, `#tags/=todo`, `#<links`; `#` alone is the end of it all.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from catalog.models import FRONT_MATTER

try:
    from yaml import CBaseLoader as BaseLoader
    from yaml import CSafeDumper as BaseDumper
except ImportError:  # a PyYAML without libyaml: slower, the same result
    from yaml import BaseLoader  # type: ignore[assignment]  # another class, the same interface
    from yaml import SafeDumper as BaseDumper  # type: ignore[assignment]  # the same

__all__ = ["BaseLoader", "comments_of", "extras", "field", "rest"]

_PLAIN = re.compile(r"https?://[\w./~%+=&@-]+|[A-Za-z]\w*(?:[ ./+-]\w+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_BREAK = re.compile(r"[\n\x85\u2028\u2029]")
_MARK = re.compile(r"(?:\A|(?<=[ \t\n]))#")


class _Top(NamedTuple):
    """A field: its name, where it begins, and where its value and the next field do."""

    name: str
    start: int
    value: yaml.Node
    stop: int


def extras(source: str, values: Mapping[str, Any], ours: Collection[str] = FRONT_MATTER) -> dict[str, str]:
    """What is not ours in front matter that has been read as `values`: fields by name, comments by where they stand."""
    foreign = [name for name in values if name not in ours]
    if not foreign and "#" not in source:
        return {}
    root = yaml.compose(source, Loader=BaseLoader) or yaml.MappingNode("", [])  # strings, lists and mappings alone
    comments = list(_comments(source, root))
    tops = list(_tops(source, root))
    chunks = {top.name: (top.start, _chunk(source, top, comments)) for top in tops if top.name in foreign}
    verbatim = {name: chunk for name, chunk in chunks.items() if _says(chunk[1], name, values[name])}
    found = {name: verbatim[name][1] if name in verbatim else field(name, values[name]) for name in foreign}
    places = [place for top in tops for place in _places(top)]
    for at, text in comments:
        if not any(start <= at < start + len(chunk) for start, chunk in verbatim.values()):
            _keep(found, source, at, text, tops, places)
    return found


def _says(chunk: str, name: str, value: Any) -> bool:
    """Whether a piece of the source by itself reads as this field."""
    try:
        return bool(chunk) and bool(yaml.load(chunk, Loader=BaseLoader) == {name: value})  # noqa: S506 - strings alone
    except (yaml.YAMLError, TypeError):
        return False


def _tops(source: str, root: yaml.Node) -> Iterator[_Top]:
    """The fields, where each begins a line of its own; none where one does not, as in {flow: style}."""
    if not isinstance(root, yaml.MappingNode) or root.flow_style or any(k.start_mark.column for k, _ in root.value):
        return
    starts = [key.start_mark.index for key, _ in root.value]
    for (key, value), start, stop in zip(root.value, starts, [*starts[1:], len(source)], strict=False):
        yield _Top(str(key.value), start, value, stop)


def _chunk(source: str, top: _Top, comments: list[tuple[int, str]]) -> str:
    """A field as it stands, without the blank lines and the unindented comments before the next one."""
    unindented = {at for at, _ in comments if at == 0 or source[at - 1] == "\n"}
    stop = top.stop
    while stop > top.start:
        line = source.rfind("\n", 0, stop - 1) + 1
        if source[line:stop].strip() and line not in unindented:
            break
        stop = line
    return source[top.start : stop] if source[:stop].endswith("\n") else source[top.start : stop] + "\n"


def _comments(source: str, root: yaml.Node) -> Iterator[tuple[int, str]]:
    """Each comment and where it begins: a # at the start of a line or behind a blank, and within no scalar."""
    spans = sorted(_scalars(source, root))
    starts = [start for start, _ in spans]
    end = 0
    for mark in _MARK.finditer(source):
        at = mark.start()
        span = spans[bisect_right(starts, at) - 1] if starts and starts[0] <= at else (0, 0)
        if at >= end and not span[0] <= at < span[1]:
            end = _BREAK.search(source + "\n", at).start()  # type: ignore[union-attr]  # there is one at the end
            yield at, source[at:end].rstrip()


def _scalars(source: str, root: yaml.Node) -> Iterator[tuple[int, int]]:
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, yaml.ScalarNode):
            start = node.start_mark.index
            if node.style in ("|", ">"):  # behind the sign a comment may stand
                start = (source + "\n").index("\n", start)
            yield start, node.end_mark.index
        else:
            todo += [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]


def _places(top: _Top) -> Iterator[tuple[int, str]]:
    """Where each thing that has a line of its own in canonical form begins, and its path."""
    yield top.start, top.name
    yield from _inner(top.value, top.name)


def _inner(node: yaml.Node, path: str) -> Iterator[tuple[int, str]]:
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return
    for number, item in enumerate(node.value):
        if isinstance(item, tuple):
            below = f"{path}/{item[0].value}"
            yield item[0].start_mark.index, below
            yield from _inner(item[1], below)
        elif isinstance(item, yaml.ScalarNode):
            yield item.start_mark.index, f"{path}/={item.value}"
        else:
            yield from _inner(item, f"{path}/{number}")


def _keep(
    found: dict[str, str], source: str, at: int, text: str, tops: list[_Top], places: list[tuple[int, str]]
) -> None:
    line = source.rfind("\n", 0, at) + 1
    before = [path for start, path in places if line <= start < at]
    after = next(((start, path) for start, path in places if start > at), None)
    top = next((top for top in reversed(tops) if top.start < at), None)
    within = top is not None and (after is None or after[0] >= top.stop)
    if source[line:at].strip() and before:
        name = f"#>{before[-1]}"
        found[name] = f"{found[name]} {text}" if name in found else text
        return
    name = f"#<{top.name}" if top and within and at > line else f"#{after[1] if after else ''}"
    found[name] = f"{found.get(name, '')}{text}\n"


def field(name: str, value: Any, kept: dict[str, str] | None = None) -> str:
    """A field in canonical form, with the comments that stand beside its lines; those are taken out of `kept`."""
    kept = {} if kept is None else kept
    lines = list(_lines(name, value))
    if not kept:
        return "".join(f"{line}\n" for _, line in lines)
    out = []
    for path, line in lines:
        indent = " " * (len(line) - len(line.lstrip(" ")))
        out += [f"{indent}{comment}\n" for comment in kept.pop(f"#{path}", "").split("\n") if comment]
        trailing = kept.pop(f"#>{path}", "")
        out.append(f"{line} {trailing}\n" if trailing else f"{line}\n")
    inner = (f"#<{name}", f"#>{name}")
    homeless = [key for key in kept if key in inner or key.startswith((f"#{name}/", f"#>{name}/"))]
    for key in sorted(homeless, key=lambda key: key.startswith("#<")):
        out += [f"  {comment}\n" for comment in kept.pop(key).split("\n") if comment]
    return "".join(out)


def rest(kept: Mapping[str, str]) -> str:
    """What is left when every field of ours has been written: fields that are not ours, and homeless comments."""
    fields = [kept.get(f"#{name}", "") + text for name, text in kept.items() if not name.startswith("#")]
    others = [text for name, text in kept.items() if name.startswith("#") and name[1:] not in kept]
    return "".join(fields) + "".join(f"{line}\n" for text in others for line in text.split("\n") if line)


def comments_of(kept: Mapping[str, str]) -> list[str]:
    """Every comment, in no order of meaning: to compare what two files hold."""
    return sorted(line for name, text in kept.items() if name.startswith("#") for line in text.split("\n") if line)


def _lines(name: str, value: Any, indent: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """Block style with lists indented under their key, which libyaml's own emitter does not do; each with its path."""
    path = f"{path}/{name}" if path else name
    if isinstance(value, dict) and value:
        yield path, f"{indent}{_scalar(name)}:"
        for below, item in value.items():
            yield from _lines(below, item, indent + "  ", path)
    elif isinstance(value, list) and value:
        yield path, f"{indent}{_scalar(name)}:"
        for number, item in enumerate(value):
            yield from _item(item, indent + "  ", f"{path}/{number}", f"{path}/={item}")
    else:
        yield path, f"{indent}{_scalar(name)}: {_scalar(value)}"


def _item(item: Any, indent: str, path: str, named: str) -> Iterator[tuple[str, str]]:
    if not isinstance(item, dict) or not item:
        yield named, f"{indent}- {_scalar(item)}"
        return
    first = True
    for name, value in item.items():
        for below, line in _lines(name, value, indent + "  ", path):
            yield below, f"{indent}- {line.removeprefix(indent + '  ')}" if first else line
            first = False


def _scalar(value: Any) -> str:
    """A scalar as YAML writes it; what needs no quotes is told by its look, the rest is left to the dumper."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    text: str = yaml.dump(value, Dumper=BaseDumper, allow_unicode=True, width=10_000, default_flow_style=True)
    return text.removesuffix("\n").removesuffix("\n...")
