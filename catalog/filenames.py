"""The name of the file of a citation key, and the key of a file."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.I)


def file_name(key: str) -> str:
    """The name of the file of a citation key: itself and `.md`, with what no file system takes percent-encoded."""
    name = re.sub(r'[\x00-\x1f<>:"/\\|?*%\x7f]', lambda m: quote(m.group(), safe=""), key)
    if name[0] in "._ " or name.upper() == "README" or _RESERVED.match(name):
        name = f"%{ord(name[0]):02X}{name[1:]}" if ord(name[0]) < 128 else name
    if name[-1] == " ":
        name = name[:-1] + "%20"
    return name + ".md"


def apart_name(key: str) -> str:
    """Another name for the file of a key: unlike that of the key in any other case, also where case is ignored."""
    plain = file_name(key).removesuffix(".md")
    name = re.sub(r"%[0-9A-F]{2}|.", lambda m: _encoded(m.group()) if m.group().isupper() else m.group(), plain)
    if name == plain and (first := re.match(r"((?:%[0-9A-F]{2})*)(.)", plain)):
        name = first[1] + _encoded(first[2]) + plain[first.end() :]
    return name + ".md"


def _encoded(letter: str) -> str:
    if len(letter) > 1:
        return letter
    return "".join(f"%{byte:02X}" for byte in letter.encode())


def key_of(file: str) -> str:
    """The citation key of a file name, the inverse of `file_name`."""
    return unquote(file.removesuffix(".md"), errors="strict")


def is_paper(file: str) -> bool:
    """Whether a file among the papers is one by its name."""
    return file.endswith(".md") and file[0] not in "._" and file.upper() != "README.MD"
