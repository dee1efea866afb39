"""Text of strangers as text: encoded for HTML, for Markdown around it, for YAML and for scripts.

Whatever a paper says ends up on a page as the characters it is made of, never as markup of any kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import reduce
from html import escape
from typing import Any

_META = re.compile(r"[&<>\"'{}`\[\]*_#|~$\\!=^\x00-\x1f\x7f\u2028\u2029\ufeff\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]+")
_NOT_YAML = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_HEAD = re.compile(r"\A---[ \t]*\n.*?^---[ \t]*(?:\n|\Z)", re.S | re.M)
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")
_NOT_HTML = re.compile("(?<!>)&#10;|&#(?:33|35|36|42|61|91|92|93|94|95|96|123|124|125|126);")
_IN_SCRIPT = [(sign, f"\\u{ord(sign):04x}") for sign in "<>&\u2028\u2029"]


def text(value: object) -> str:
    """The value as HTML on one line: every character with a meaning in HTML, Markdown or Jinja as a reference."""
    return _META.sub(_reference, str(value))


def html_on_one_line(markup: str) -> str:
    """Cleaned HTML with line breaks and braces as references, so that no later reader of lines or templates acts."""
    markup = _NOT_UTF8.sub("\ufffd", markup).replace("\x00", "\ufffd")
    return markup.replace("\r", "").replace("\n", "&#10;").replace("{", "&#123;").replace("}", "&#125;")


def in_html(markup: str) -> str:
    """The HTML with the characters as themselves that mean something in Markdown alone."""
    return _NOT_HTML.sub(lambda found: chr(int(found.group()[2:-1])), markup)


def plain(value: str) -> str:
    """The text on one line without control characters, and without what marks a place in a page (`shell`)."""
    return _CONTROL.sub(" ", value).replace("kbmark", "kb mark").strip()


def meta_value(value: str) -> str:
    """A front-matter value for templates that print it raw: HTML-escaped, one line."""
    return escape(plain(value)).replace("{", "&#123;").replace("}", "&#125;")


def front_matter(values: Mapping[str, Any]) -> str:
    """Front matter, safely quoted whatever the values hold: each value on its line as JSON, which is YAML too."""
    lines = (
        f"{name}: {_NOT_YAML.sub(_escaped, json.dumps(value, ensure_ascii=False))}\n" for name, value in values.items()
    )
    return f"---\n{''.join(lines)}---\n"


def below_head(page: str) -> str:
    """A page that somebody wrote, without its front matter."""
    return _HEAD.sub("", page.replace("\r\n", "\n"))


def parted(markdown: str) -> tuple[dict[str, Any], str]:
    """The values of front matter as `front_matter` writes it, and the page below it."""
    _, head, body = markdown.split("---\n", 2)
    pairs = (line.partition(": ") for line in head.splitlines())
    return {name: json.loads(value) for name, _, value in pairs}, body.strip("\n")


def script_json(value: object) -> str:
    """JSON that may stand inside a script element or a JavaScript file."""
    said = _NOT_UTF8.sub("\ufffd", json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return reduce(lambda text, pair: text.replace(*pair), _IN_SCRIPT, said)


def web_address(url: str) -> str:
    """The address if a browser may follow it (http, https, mailto), else ""."""
    return url if re.match(r"(?:https?://|mailto:)[^\s\x00-\x20]", url, re.I) else ""


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"


def _reference(match: re.Match[str]) -> str:
    code = ord(match.group())
    return "\ufffd" if code == 0 or 0xD800 <= code <= 0xDFFF else f"&#{code};"
