"""LaTeX as text, for showing titles, names and abstracts. Never for what is stored, nor for addresses and identifiers.

A text becomes tokens, the tokens pieces of rich text. What a command says in print is kept; of one that is not known
the argument, or the name where it has none: no word vanishes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping

from catalog.bibtex import commands as known
from catalog.bibtex.commands import NO_COMMANDS, Command
from catalog.bibtex.markup import without_html
from catalog.symbols import SYMBOLS, symbol
from catalog.text import Rich, joined, plain

_SPECIAL = re.compile(r"[\\{}$~`<&]|--|''")
_TOKEN = re.compile(
    r"\\(?:[A-Za-z@]+\*?|.|$)|\$\$(?:[^$\\]|\\.)*+\$\$|\$(?!\d[\d.,]{,9}\s[^$\\_^]{,99}?[a-z]{2}[^$\\_^]{,99}\$)"
    r"(?:[^$\\]|\\.)++\$|---?|``|''|[{}~`'\[\]]|#\d?"
    r"|[^\\${}~`'\[\]#-]++|.",
    re.S,
)
_CHEMICAL = re.compile(r"(?<=[A-Za-z)\]])(\d+)|\^(\d*[+-])|(.)", re.S)
_ALONE = {"\u0303": "~", "\u0302": "^"}
_MOST_DEEP = 40
_MOST_EXPANDED = 20_000  # tokens; a definition may use itself
_LONGEST_OPTION = 100
_Pieces = list[tuple[str, str]]


def decode(text: str, commands: Mapping[str, Command] = NO_COMMANDS) -> str:
    """Light LaTeX as plain text: accents, letters, dashes and quotes decoded, braces and commands gone.

    Simple formulas are Unicode, others stay `$…$`; a `%` is an ordinary character. White space is folded. Never fails,
    whatever the text.
    """
    if not text:
        return ""
    if not _SPECIAL.search(text):
        return unicodedata.normalize("NFC", " ".join(text.split()))
    return " ".join(plain(rich(text, commands)).split())


def rich(text: str, commands: Mapping[str, Command] = NO_COMMANDS) -> Rich:
    r"""Light LaTeX as rich text: `\emph` and its like as kinds, formulas as TeX. `commands` are a preamble's.

    White space is folded, within pieces and between them.
    """
    if not _SPECIAL.search(text):
        folded = unicodedata.normalize("NFC", " ".join(text.split()))
        return (("text", folded),) if folded else ()
    reader = _Reader(_TOKEN.findall(without_html(text)), commands)
    reader.run(0, len(reader.tokens), "text")
    return _folded(reader.out)


def _folded(pieces: _Pieces) -> Rich:
    """The pieces in NFC, runs of white space one blank, none at the ends."""
    done: _Pieces = []
    blank = True
    for kind, text in joined([tuple(pieces)]):
        if kind == "math":
            text, blank = " ".join(text.split()), False
        else:
            text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
            text = text[1:] if blank and text[0] == " " else text
            blank = text[-1] == " " if text else blank
        done += [(kind, text)] if text else []
    if done and done[-1][0] != "math":
        done[-1] = (done[-1][0], done[-1][1].rstrip())
    return joined([tuple(done)])


class _Reader:
    """Tokens on their way to pieces. `partner` holds, for each opening brace, the place of the one that closes it."""

    def __init__(self, tokens: list[str], commands: Mapping[str, Command], depth: int = 0, spent: int = 0) -> None:
        self.tokens, self.commands = tokens, commands
        self.partner = _partners(tokens)
        self.out: _Pieces = []
        self.depth, self.spent = depth, spent
        self.quoted = False
        self.inside = 0  # how many quotations one is in

    def run(self, at: int, stop: int, kind: str) -> None:
        """Read the tokens from one place to another as text of a kind."""
        while at < stop:
            at, kind = self._next(at, stop, kind)

    def _next(self, at: int, stop: int, kind: str) -> tuple[int, str]:
        piece = self.tokens[at]
        if piece == "{":
            return self._group(at, stop, kind), kind
        if piece[0] == "\\":
            return self._command(piece[1:], at + 1, stop, kind)
        if piece[0] == "$" and len(piece) > 2:
            self.out.append(("math", piece.strip("$").strip()))
        elif piece != "}":
            self._text(piece, kind)
        return at + 1, kind

    def _group(self, at: int, stop: int, kind: str) -> int:
        if self.depth >= _MOST_DEEP:  # deeper than anyone writes: as if there were no brace
            return at + 1
        close = min(self.partner.get(at, stop), stop)
        self.depth += 1
        self.run(at + 1, close, kind)
        self.depth -= 1
        return close + 1

    def _text(self, piece: str, kind: str) -> None:
        if piece == "`":
            self.quoted, piece = True, "‘"
        elif piece == "'" and self.quoted and self.out and not self.out[-1][1][-1:].isspace():
            self.quoted, piece = False, "’"
        self.out.append((kind, piece if kind == "code" and piece[0] in "-'" else known.MARKS.get(piece, piece)))

    # --- commands ---

    def _command(self, name: str, at: int, stop: int, kind: str) -> tuple[int, str]:
        """Read a command and what belongs to it; returns where to go on, and the kind of what follows."""
        if name in self.commands and self.spent < _MOST_EXPANDED:
            return self._expand(self.commands[name], at, stop, kind), kind
        if name in known.AROUND:
            return self._around(name, at, stop, kind), kind
        name = name.rstrip("*") if len(name) > 1 else name
        if mark := known.ACCENTS.get(name):
            return self._accent(mark, at, stop, kind), kind
        if name in SYMBOLS:
            return self._shown(SYMBOLS[name], name, at, stop, kind), kind
        if handler := _HANDLERS.get(name):
            return handler(self, name, at, stop, kind), kind
        if name in known.SWITCHES or (known.FONT.fullmatch(name) and not self._braced(at, stop)):
            style = known.SWITCHES.get(name, kind)
            return self._blank(at, stop), style if kind in ("text", "em", "strong", "sc") else kind
        if (found := symbol(name)) is not None:
            return self._shown(found, name, at, stop, kind), kind
        if not name.isalpha():
            return at, kind
        return self._unknown(name, at, stop, kind), kind

    def _unknown(self, name: str, at: int, stop: int, kind: str) -> int:
        """What nobody defines: its arguments, parted by blanks, or its name where it has none; no word vanishes."""
        start = self._past_option(self._blank(at, stop, look=True), stop)
        if not self._braced(start, stop):
            self.out.append((kind, name))
            return at
        at = self._group(start, stop, kind)
        while self._braced(at, stop):
            self.out.append((kind, " "))
            at = self._group(at, stop, kind)
        return at

    def _shown(self, text: str, name: str, at: int, stop: int, kind: str) -> int:
        self.out.append((kind, text))
        return self._blank(at, stop) if name.isalpha() and not text.isspace() else at

    def _accent(self, mark: str, at: int, stop: int, kind: str) -> int:
        pieces, at = self._argument(at, stop, kind)
        if pieces:
            pieces[0] = (pieces[0][0], _accented(mark, pieces[0][1]))
        self.out += pieces or [(kind, _ALONE.get(mark, ""))]
        return at

    def _styled(self, name: str, at: int, stop: int, kind: str) -> int:
        style = known.STYLES[name] if kind != "code" else kind
        pieces, at = self._argument(self._past_option(at, stop), stop, style)
        self.out += pieces
        return at

    def _around(self, name: str, at: int, stop: int, kind: str) -> int:
        before, after = tuple(known.AROUND["enquote*" if name == "enquote" and self.inside % 2 else name])
        self.inside += 1
        pieces, at = self._argument(at, stop, kind)
        self.inside -= 1
        self.out += [(kind, before), *pieces, (kind, after)]
        return at

    def _cased(self, name: str, at: int, stop: int, kind: str) -> int:
        pieces, at = self._argument(at, stop, kind)
        self.out += [(k, text if k == "math" else known.CASES[name](text)) for k, text in pieces]
        return at

    def _dropped(self, _name: str, at: int, stop: int, kind: str) -> int:
        at = self._past_option(at, stop)
        return self._argument(at, stop, kind)[1] if self._braced(at, stop, empty=True) else at

    def _ignored(self, _name: str, at: int, stop: int, _kind: str) -> int:
        return self._blank(at, stop)

    def _of_two(self, name: str, at: int, stop: int, kind: str) -> int:
        first, at = self._argument(self._past_option(at, stop), stop, kind)
        if not self._braced(self._blank(at, stop, look=True), stop, empty=True):
            self.out += first
            return at
        second, at = self._argument(self._past_option(at, stop), stop, kind)
        self.out += second if known.OF_TWO[name] else first
        return at

    def _verbatim(self, name: str, at: int, stop: int, kind: str) -> int:
        """`\\url{…}`, and `\\verb|…|` between any two marks."""
        if self._braced(at, stop):
            close = min(self.partner.get(at, stop), stop)
            self.out.append((kind, "".join(self.tokens[at + 1 : close])))
            return close + 1
        rest = "".join(self.tokens[at : min(stop, at + _LONGEST_OPTION)])
        inside, mark, _ = rest[1:].partition(rest[0]) if name in ("verb", "path") and rest else ("", "", "")
        if not mark:
            return at
        self.out.append(("code" if name == "verb" else kind, inside))
        return self._past(at, len(inside) + 2)

    def _math(self, name: str, at: int, stop: int, _kind: str) -> int:
        r"""`\(…\)`, `\[…\]` and `\ensuremath{…}`."""
        if name == "ensuremath":
            close = min(self.partner.get(at, at), stop)
            inside, following = self.tokens[at + 1 : close], close + 1
            if not self._braced(at, stop):
                return at
        else:
            end = "\\)" if name == "(" else "\\]"
            close = next((i for i in range(at, min(stop, at + _LONGEST_OPTION)) if self.tokens[i] == end), 0)
            inside, following = self.tokens[at:close], close + 1
        if not close:
            return at
        self.out.append(("math", "".join(inside).strip()))
        return following

    def _chemistry(self, _name: str, at: int, stop: int, kind: str) -> int:
        r"""`\ce{H2O}`: digits behind a letter or a bracket stand low, charges high."""
        pieces, at = self._argument(at, stop, kind)
        for low, high, rest in _CHEMICAL.findall("".join(text for _, text in pieces)):
            self.out.append(("sub", low) if low else ("sup", high) if high else (kind, rest))
        return at

    def _moved(self, _name: str, at: int, stop: int, _kind: str) -> int:
        r"""`\kern-.05em`: a length, which is not printed."""
        length = known.MOVED_BY.match("".join(self.tokens[at : min(stop, at + 3)]))
        return self._past(at, length.end() if length else 0)

    def _character(self, name: str, at: int, stop: int, kind: str) -> int:
        r"""`\char"41`, `\symbol{65}`, `\ding{51}`, and `\accent19 e`."""
        braced = self._braced(at, stop)
        code = known.CODE.match("".join(self.tokens[at + braced : min(stop, at + braced + 3)]))
        if not code:
            return at
        base = 16 if code["hex"] else 8 if code["oct"] else 10
        number = ord(code["sign"]) if code["sign"] else int(code["hex"] or code["oct"] or code["dec"], base)
        at = min(self.partner.get(at, stop) + 1, stop) if braced else self._past(at, code.end())
        if name == "accent":
            return self._accent(known.ACCENTS.get(known.NUMBERED.get(number, ""), ""), at, stop, kind)
        if name == "ding":
            number = known.DINGS.get(number, number + (0x26E0 if number < 127 else 0x26C0))
        self.out += [(kind, chr(number))] if 31 < number < 0xD800 else []
        return at

    # --- a preamble's commands ---

    def _expand(self, command: Command, at: int, stop: int, kind: str) -> int:
        """What a command of the preamble says, its arguments in their places."""
        arguments: list[list[str]] = []
        if command.default is not None:
            start, at = at + 1, self._past_option(at, stop)
            arguments.append(self.tokens[start : at - 1] if at >= start else _TOKEN.findall(command.default))
        while len(arguments) < command.parameters:
            given, at = self._tokens_of(at, stop)
            arguments.append(given)
        body: list[str] = []
        for piece in _TOKEN.findall(command.body):
            place = int(piece[1:]) - 1 if piece[0] == "#" and piece[1:] else -1
            body += arguments[place] if 0 <= place < len(arguments) else [piece]
        self.spent += len(body) + 1
        inner = _Reader(body, self.commands, self.depth + 1, self.spent)
        if inner.depth < _MOST_DEEP and self.spent < _MOST_EXPANDED:
            inner.run(0, len(body), kind)
        self.out += inner.out
        self.spent = inner.spent
        return at if command.parameters or not body else self._blank(at, stop)

    # --- arguments ---

    def _argument(self, at: int, stop: int, kind: str) -> tuple[_Pieces, int]:
        """The pieces of one argument, and where to go on: of a group, a command, or one character."""
        at = self._blank(at, stop)
        if at >= stop or self.tokens[at] == "}":
            return [], at
        start, piece = len(self.out), self.tokens[at]
        if piece[0] in "{\\$" and (piece == "{" or self.depth < _MOST_DEEP):
            self.depth += 1
            following = self._next(at, stop, kind)[0]
            self.depth -= 1
            pieces = [(k, text) for k, text in self.out[start:] if text]
            del self.out[start:]
            return pieces, following
        self.tokens[at] = piece[1:]
        return [(kind, piece[0])], at + (not piece[1:])

    def _tokens_of(self, at: int, stop: int) -> tuple[list[str], int]:
        """The tokens of one argument, and where to go on."""
        at = self._blank(at, stop)
        if at >= stop or self.tokens[at] == "}":
            return [], at
        piece = self.tokens[at]
        if piece == "{":
            close = min(self.partner.get(at, stop), stop)
            self.spent += close - at
            return self.tokens[at + 1 : close] if self.spent < _MOST_EXPANDED else [], close + 1
        if piece[0] in "\\$":
            return [piece], at + 1
        self.tokens[at] = piece[1:]
        return [piece[0]], at + (not piece[1:])

    def _braced(self, at: int, stop: int, empty: bool = False) -> bool:
        """Whether a group stands there, an `empty` one too if that counts."""
        return at < stop and self.tokens[at] == "{" and self.partner.get(at, stop) > at + (0 if empty else 1)

    def _blank(self, at: int, stop: int, look: bool = False) -> int:
        """The place behind white space; unless one only looks, a text that begins with some loses it."""
        if at < stop and self.tokens[at][0].isspace():
            rest = self.tokens[at].lstrip()
            if not rest:
                return at + 1
            if not look:
                self.tokens[at] = rest
        return at

    def _past_option(self, at: int, stop: int) -> int:
        """The place behind `[…]`, if one stands there."""
        if at < stop and self.tokens[at] == "[":
            for place in range(at + 1, min(stop, at + _LONGEST_OPTION)):
                if self.tokens[place] == "]":
                    return place + 1
        return at

    def _past(self, at: int, length: int) -> int:
        """The place behind so many characters."""
        while length and at < len(self.tokens):
            taken = min(length, len(self.tokens[at]))
            self.tokens[at], length = self.tokens[at][taken:], length - taken
            at += not self.tokens[at]
        return at


def _partners(tokens: list[str]) -> dict[int, int]:
    open_, partner = list[int](), dict[int, int]()
    for at, piece in enumerate(tokens):
        if piece == "{":
            open_.append(at)
        elif piece == "}" and open_:
            partner[open_.pop()] = at
    return partner


def _accented(mark: str, text: str) -> str:
    """The text with a mark on its first letter or digit; where it begins with none, as it is."""
    text = text.lstrip()
    if not text or not text[0].isalnum():
        return text
    first = {"ı": "i", "ȷ": "j"}.get(text[0], text[0])
    return unicodedata.normalize("NFC", first + mark) + text[1:]


_Handler = Callable[[_Reader, str, int, int, str], int]


def _handlers() -> Iterator[tuple[str, _Handler]]:
    groups: tuple[tuple[_Handler, Iterable[str]], ...] = (
        (_Reader._styled, known.STYLES), (_Reader._dropped, known.DROPPED), (_Reader._ignored, known.IGNORED),
        (_Reader._verbatim, known.VERBATIM), (_Reader._of_two, known.OF_TWO), (_Reader._cased, known.CASES),
        (_Reader._moved, known.MOVES), (_Reader._character, ("char", "symbol", "ding", "accent")),
        (_Reader._math, ("(", "[", "ensuremath")), (_Reader._chemistry, ("ce",)),
    )  # fmt: skip
    for handler, names in groups:
        yield from ((name, handler) for name in names)


_HANDLERS = dict(_handlers())
