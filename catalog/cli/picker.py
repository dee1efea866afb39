"""Choosing a paper on a terminal, from a list that narrows while one types."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from catalog.cli.out import on_terminal, said
from catalog.errors import BadQuery, KbError
from catalog.extras import need

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import AnyFormattedText
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    from catalog.facts import Line
    from catalog.library import Library
    from catalog.search.index import Found

ROWS = 10
Ask = Callable[[str], "Found[Line]"]


def can_ask() -> bool:
    """Whether somebody sits there to choose."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def can_pick() -> bool:
    """Whether somebody can choose from a list: the extra for it is installed, too."""
    return can_ask() and find_spec("prompt_toolkit") is not None


def pick_of(library: Library, keys: Sequence[str]) -> str:
    """One of some papers; "" where none is chosen."""
    among = set(keys)

    def ask(text: str) -> Found[Line]:
        found = library.lines(text)
        return found._replace(papers=[line for line in found.papers if line.key in among])

    return pick(ask)


def pick(ask: Ask, text: str = "") -> str:
    """The key of the paper that somebody chooses; "" where none is. The list stands on stderr, and goes away after."""
    if not can_ask():
        raise KbError("there is nobody to choose: this needs a terminal")
    need("pick")
    from prompt_toolkit import Application
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
    from prompt_toolkit.output import create_output

    choice = Choice(ask)
    typed = Buffer(multiline=False, on_text_changed=lambda buffer: choice.narrow(buffer.text))
    typed.insert_text(text)
    choice.narrow(text)
    line = VSplit([Window(FormattedTextControl("search: "), width=8), Window(BufferControl(typed))], height=1)
    shown = Window(FormattedTextControl(choice.shown), height=ROWS + 4, wrap_lines=True)
    done: Application[str] = Application(
        Layout(HSplit([line, shown])), key_bindings=_bindings(choice), output=create_output(stdout=sys.stderr),
        erase_when_done=True,
    )  # fmt: skip
    return done.run() or ""


class Choice:
    """What is to be chosen from, and which of it is under the hand."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.papers: Sequence[Line] = ()
        self.at = 0
        self.notes: Sequence[str] = ()

    def narrow(self, text: str) -> None:
        """Ask again; a query that is not finished leaves what is there."""
        try:
            found = self.ask(text)
            self.papers, self.at, self.notes = found.papers, 0, list(said(found))
        except BadQuery as e:
            self.notes = [str(e)]

    def move(self, by: int) -> None:
        """Go up or down."""
        self.at = max(0, min(len(self.papers) - 1, self.at + by))

    @property
    def key(self) -> str:
        """The key under the hand; "" where there is none."""
        return self.papers[self.at].key if self.papers else ""

    def shown(self) -> AnyFormattedText:
        """The rows around the one under the hand, and what there is to say of them."""
        from prompt_toolkit.formatted_text import ANSI

        first = max(0, self.at - ROWS + 1)
        rows = list(on_terminal(self.papers[first : first + ROWS], shutil.get_terminal_size().columns - 2))[1:]
        marked = [f"{'›' if place == self.at - first else ' '} {row}" for place, row in enumerate(rows)]
        more = f"{self.at + 1} of {len(self.papers)}" if self.papers else "no paper"
        return ANSI("\n".join([*marked, more, *self.notes]))


def _bindings(choice: Choice) -> KeyBindings:
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("up")
    @keys.add("c-p")
    def _(_event: KeyPressEvent) -> None:
        choice.move(-1)

    @keys.add("down")
    @keys.add("c-n")
    def _(_event: KeyPressEvent) -> None:
        choice.move(1)

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        if choice.key:
            event.app.exit(result=choice.key)

    @keys.add("escape", eager=True)
    @keys.add("c-c")
    @keys.add("c-d")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result="")

    return keys
