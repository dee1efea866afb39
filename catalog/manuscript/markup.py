"""What Typst, reStructuredText, Org, AsciiDoc and LyX files cite and take in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.manuscript.latex import latex_keys
from catalog.manuscript.parts import Include, Reading, included, unique
from catalog.text import Lines

_TYPST_HIDDEN = re.compile(
    r"(?P<raw>`{3,}+)(?:(?!(?P=raw))[\s\S])*+(?:(?P=raw)|\Z)|`[^`]*+(?:`|\Z)|(?<!:)//[^\n]*|\\.|\$[^$]*+\$|https?://[^\s\"\])]*"
    r"|(?P<keep>(?:\blabel\(\s*|#(?:include|import)\s+|\binclude\s+|\bimport\s+)\"[^\"@\n]*\")|\bimport\s+\"[^\"\n]*\"|(?P<before>[(,=:])\s*\"(?:[^\"\\]|\\.)*\""
)
_TYPST_COMMENT = re.compile(r"/\*|\*/")
_TYPST_REFERENCE = re.compile(r"(?P<mail>(?<=\w))?@(?P<key>\w(?:[\w:.-]*\w)?)")
_TYPST_VALUE = re.compile(  # in a call a label is a value; anywhere else it names what stands before it
    r"(?P<call>(?<!\w)\w*+\(|attribution:|[(,:])\s*(?:<(?P<label>[\w:./+-]+)>|label\(\s*\"(?P<text>[^\"]+)\"\s*\))"
)
_TYPST_OWN_CITE = re.compile(r"#\w*cite\w*\(\s*\"([^\"\s]+)\"")
_TYPST_LABEL = re.compile(r"<([\w:.-]+)>")
_TYPST_FILE = re.compile(r"(?:#|\b)(?:include|import)\s+\"([^\"@\n]+\.typ)\"")
_TYPST_FULL = re.compile(r"\bbibliography\([^()]*\bfull\s*:\s*true")

_RST_CITE = re.compile(r":(?:foot)?cite(?:ctext|text|alp?s?|[:\w%*]{0,40})?:`([^`]+)`")
_RST_NOTE = re.compile(r"\{[^{}]*\}")
_RST_REFERENCE = re.compile(r"(?<![\w`])\[([A-Za-z][\w.:+-]*)\]_(?!\w)")
_RST_TARGET = re.compile(r"^\.\. \[([A-Za-z][\w.:+-]*)\]", re.M)
_RST_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*+)(?:\.\.[ \t]+(?:code(?:-block)?|sourcecode|literalinclude|parsed-literal|math|raw)"
    r"::[^\n]*"
    r"|\.\.(?:[ \t]+(?!\[|_|\||[\w:+.-]+::)[^\n]*)?|(?!\.\.)[^\n]*::)$"
)
_RST_FILE = re.compile(r"^[ \t]*\.\. include::[ \t]*(\S+)", re.M)
_RST_TREE = re.compile(r"^([ \t]*)\.\. toctree::[^\n]*\n((?:\1[ \t]++[^\n]*+\n|[ \t]*+\n)*+)", re.M)
_RST_ENTRY = re.compile(r"^(?:.*<([^<>]+)>|([^:<>*?\[\]\s][^<>*?\[\]\s]*))$")
_RST_ALL = re.compile(r"^[ \t]*:(?:all|notcited):", re.M)
_LITERAL = re.compile(r"``[^`]*(?:`[^`]+)*``")

_ORG_BLOCK = re.compile(
    r"^[ \t]*#\+begin_(src|example|comment|export)\b.*?(?:^[ \t]*#\+end_\1\b|(?P<open>\Z))|^[ \t]*#(?: [^\n]*)?$",
    re.S | re.M | re.I,
)
_ORG_CITE = re.compile(r"\[cite(?:/[^\[\]:]*+)?:([^\[\]@]*@[^\[\]]*+)\]")
_ORG_KEY = re.compile(r"@([\w:.#$%&+?<>~/-]*[\w/]|\*)")
_ORG_VERBATIM = re.compile(r"(?<![\w=~])([=~])(?=\S)[^\n]{0,200}?\S\1(?![\w=~])|^[ \t]*:[ \t][^\n]*$", re.M)
_ORG_COMMAND = r"\b(?:no|auto|text|paren|foot|full|footfull|super|smart|short|poss)?[cC]ite[a-zA-Z]*"
_ORG_LINK = re.compile(rf"\[\[{_ORG_COMMAND}:(?!//)([^\[\]]+)\]")
_ORG_REF = re.compile(rf"{_ORG_COMMAND}:(?!//)(&?[\w:./+-]*\w(?:[,;]&?[\w:./+-]*\w)*)")
_ORG_NAMED = re.compile(r"&([\w:./+-]*\w)")
_ORG_FILE = re.compile(r"^[ \t]*#\+include:[ \t]*\"?([^\"\s:]+)", re.M | re.I)

_LYX_CITE = re.compile(
    r"^\\begin_inset CommandInset citation\n(?:(?!\\(?:begin|end)_inset)[^\n]*\n)*?key \"([^\"\n]*)\"", re.M
)
_LYX_FILE = re.compile(
    r"^\\begin_inset CommandInset include\n(?:(?!\\(?:begin|end)_inset)[^\n]*\n)*?filename \"([^\"\n]+\.lyx)\"", re.M
)
_ADOC_BLOCK = re.compile(r"^(-{4,}|\.{4,}|/{4,})[ \t]*$.*?^\1[ \t]*$|^//[^\n]*$|`[^`\n]*`", re.S | re.M)
_ADOC_CITE = re.compile(r"\b(?:full|no|foot)?cite(?:np|t|p)?:\[([^\[\]]+)\]")
_ADOC_NOTE = re.compile(r"\([^()]*\)")
_ADOC_FILE = re.compile(r"^include::([^\[\]{}\s]+)\[", re.M)


def read_typst(text: str) -> Reading:
    """What a Typst document refers to with `@key` or `cite(<key>)`; its own labels are no keys."""
    text = _without_typst_comments(text)
    seen = _TYPST_HIDDEN.sub(lambda m: m["keep"] or m["before"] or "\n" * m.group().count("\n"), text)
    rest = _TYPST_VALUE.sub(lambda m: m["call"], seen)
    labels = frozenset(_TYPST_LABEL.findall(rest))
    found = list(_TYPST_REFERENCE.finditer(rest))
    unsure = [m["key"] for m in found if m["mail"] is not None] + _TYPST_OWN_CITE.findall(text)
    cites = [m["label"] or m["text"] for m in _TYPST_VALUE.finditer(seen)]
    everything = ["*"] if _TYPST_FULL.search(seen) else []
    keys = [*everything, *cites, *(m["key"] for m in found if m["mail"] is None)]
    return Reading(unique(keys), unique(unsure), labels, included(seen, _TYPST_FILE, r'"\1"'))


def _without_typst_comments(text: str) -> str:
    """The text without `/* … */`, which may stand in each other; lines stay."""
    parts, depth, at = [], 0, 0
    for mark in _TYPST_COMMENT.finditer(text):
        if mark.group() == "/*":
            parts += [text[at : mark.start()]] if not depth else []
            at, depth = (mark.start() if not depth else at), depth + 1
        elif depth:
            depth -= 1
            if not depth:
                parts.append("\n" * text.count("\n", at, mark.end()))
                at = mark.end()
    return "".join([*parts, "" if depth else text[at:]])


def read_rst(text: str) -> Reading:
    """What a reStructuredText file cites by the roles of sphinxcontrib-bibtex or as `[key]_`."""
    seen = _LITERAL.sub("", _without_rst_blocks(text))
    keys = [key.strip() for keys in _RST_CITE.findall(seen) for key in _RST_NOTE.sub("", keys).split(",")]
    everything = ["*"] if ".. bibliography::" in seen and _RST_ALL.search(seen) else []
    labels = frozenset(_RST_TARGET.findall(seen))
    found = unique([*everything, *keys, *_RST_REFERENCE.findall(seen)])
    return Reading(tuple(key for key in found if key not in labels), (), labels, tuple(_rst_files(seen)))


def _without_rst_blocks(text: str) -> str:
    """The text without code, literal blocks and comments; lines stay."""
    lines, margin = [], -1
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        if margin >= 0 and (not line.strip() or indent > margin):
            lines.append("")
            continue
        margin = -1
        if block := _RST_BLOCK.match(line):
            margin = len(block["indent"])
            line = "" if line.lstrip().startswith("..") else line
        lines.append(line)
    return "\n".join(lines)


def _rst_files(text: str) -> Iterator[Include]:
    yield from included(text, _RST_FILE)
    lines = Lines(text)
    for tree in _RST_TREE.finditer(text):
        for line in map(str.strip, tree[2].split("\n")):
            entry = _RST_ENTRY.match(line)
            if entry and (name := entry[1] or entry[2]) and "://" not in name and name != "self":
                yield Include(name, name, lines.of(tree.start()), "", True)


def read_org(text: str) -> Reading:
    """What an Org file cites, as Org itself has it (`[cite:@key]`) or org-ref (`cite:key`)."""
    seen = _ORG_BLOCK.sub(lambda m: m.group() if m["open"] is not None else "\n" * m.group().count("\n"), text)
    seen = _ORG_VERBATIM.sub("", seen)
    keys = [key for inside in _ORG_CITE.findall(seen) for key in _ORG_KEY.findall(inside)]
    rest = _ORG_CITE.sub(" ", seen)
    for said in [*_ORG_LINK.findall(rest), *_ORG_REF.findall(_ORG_LINK.sub(" ", rest))]:
        keys += _ORG_NAMED.findall(said) if "&" in said else map(str.strip, re.split("[,;]", said))
    keys += latex_keys(rest)
    return Reading(unique(keys), includes=included(text, _ORG_FILE))


def read_lyx(text: str) -> Reading:
    """What a LyX document cites, and the documents it takes in."""
    keys = [key.strip() for keys in _LYX_CITE.findall(text) for key in keys.split(",")]
    return Reading(unique(keys), includes=included(text, _LYX_FILE, r"\1"))


def read_asciidoc(text: str) -> Reading:
    """What an AsciiDoc file cites, as asciidoctor-bibtex has it: `cite:[key(p. 3), other]`."""
    seen = _ADOC_BLOCK.sub(lambda m: "\n" * m.group().count("\n"), text)
    keys = [key.strip() for keys in _ADOC_CITE.findall(seen) for key in _ADOC_NOTE.sub("", keys).split(",")]
    return Reading(unique(keys), includes=included(seen, _ADOC_FILE))
