"""HTML in fields, which Zotero, Crossref and publishers leave there, as the LaTeX that says the same."""

from __future__ import annotations

import re
from html import unescape

_COMMANDS = {
    "i": "emph", "em": "emph", "italic": "emph", "b": "textbf", "strong": "textbf", "bold": "textbf",
    "sub": "textsubscript", "inf": "textsubscript", "sup": "textsuperscript", "sc": "textsc", "scp": "textsc",
    "small-caps": "textsc", "tt": "texttt", "code": "texttt", "monospace": "texttt",
}  # fmt: skip
_PAIR = re.compile(
    rf"<(?P<tag>(?:jats:|mml:|m:)?(?:{'|'.join(sorted(_COMMANDS, key=len, reverse=True))}))(?:\s[^<>]{{0,200}})?>"
    r"(?P<inside>[^<>]*)</(?P=tag)\s*>",
    re.I,
)
_SMALL = re.compile(r"<span\s[^<>]{0,200}small-caps[^<>]{0,200}>([^<>]*)</span\s*>", re.I)
_BREAK = re.compile(r"<(?:/(?:jats:)?(?:p|title|sec|div|li)|(?:m:line)?br(?:eak)?)\s*/?>", re.I)
_PLAIN = re.compile(
    r"</?(?:(?:jats|mml|m):[a-z][\w-]{0,30}|span|p|div|br|ul|ol|li|font|u|a|title|sec|tex(?:-math)?|(?:inline|disp)-formula"
    r"|alternatives|ext-link|xref|math|m(?:i|o|n|row|sub|sup|subsup|frac|sqrt|text|style|over|under))(?:\s[^<>]{0,500})?/?>",
    re.I,
)
_ENTITY = re.compile(r"\{?\\?&\}?(#x?[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.I)
_MOST_DEEP = 8


def without_html(text: str) -> str:
    """The text with HTML's emphasis as commands, other known tags gone, and characters in place of entities.

    A `<` or `&` that is no part of HTML stays, and so does a tag without its other.
    """
    if "<" in text and ">" in text:
        for _ in range(_MOST_DEEP):
            changed = _SMALL.sub(r"\\textsc{\1}", _PAIR.sub(_command, text))
            if changed == text:
                break
            text = changed
        text = _PLAIN.sub("", _BREAK.sub(" ", text))
    return _ENTITY.sub(_character, text) if "&" in text and ";" in text else text


def _command(found: re.Match[str]) -> str:
    inside = found["inside"]
    if inside.count("{") != inside.count("}"):
        return inside
    return rf"\{_COMMANDS[found['tag'].rpartition(':')[2].lower()]}{{{inside}}}"


def _character(found: re.Match[str]) -> str:
    """What an entity stands for; one that is none, or stands for a sign of LaTeX's own, as it is."""
    said = unescape(f"&{found[1]};")
    return found.group() if ";" in said[1:] or said in ("\\", "{", "}", "$", "%", "~", "^", "_", "#") else said
