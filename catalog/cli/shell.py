"""Completion in the shell. A key comes from a file name, which may hold anything: what is offered is quoted.

zsh and fish quote what they insert; bash inserts it as it is. A value with a character that none should type is not
offered at all, nor a key that would be taken for an option.
"""

from __future__ import annotations

import re
from typing import Any

from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete, add_completion_class

_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def quoted(text: str) -> str:
    """A text as it is typed in bash: every character that the shell could take for more has a backslash before it."""
    return "".join(one if _SAFE.match(one) or ord(one) > 0xA0 else f"\\{one}" for one in text)


class Bash(BashComplete):
    """Completion in bash, whose answer is read without its backslashes being taken off, and not expanded."""

    source_template = (
        BashComplete.source_template.replace("read type value", "read -r type value")
        .replace("COMPREPLY+=($value)", 'COMPREPLY+=("$value")')
    )  # fmt: skip

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """`plain,value`, the value as it is typed."""
        return f"{item.type},{quoted(item.value) if item.type == 'plain' else item.value}"

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Those that can be typed."""
        return _typed(super().get_completions(args, incomplete), incomplete)


class Zsh(ZshComplete):
    """Completion in zsh, which quotes what it inserts; `_describe` takes a backslash for its own."""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Three lines: type, value, help."""
        described = CompletionItem(item.value.replace("\\", "\\\\"), item.type, _one_line(item.help))
        return super().format_completion(described if item.help else item)

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Those that can be typed."""
        return _typed(super().get_completions(args, incomplete), incomplete)


class Fish(FishComplete):
    """Completion in fish, which quotes what it inserts."""

    source_template = FishComplete.source_template.replace("echo $metadata[2]", "echo -- $metadata[2]")

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """`plain,value<tab>help`."""
        return super().format_completion(CompletionItem(item.value, item.type, _one_line(item.help)))

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """Those that can be typed."""
        return _typed(super().get_completions(args, incomplete), incomplete)


def register() -> None:
    """Take the place of click's own."""
    for kind in (Bash, Zsh, Fish):
        add_completion_class(kind)


def _typed(items: list[CompletionItem[Any]], incomplete: str) -> list[CompletionItem[Any]]:
    """The items without those that cannot be typed; what looks like an option is one, unless nobody asked for one."""
    fit = (item for item in items if not _UNSEEN.search(str(item.value)))
    return [item for item in fit if incomplete.startswith("-") or not str(item.value).startswith("-")]


def _one_line(text: str | None) -> str | None:
    return _UNSEEN.sub(" ", text) if text else text
