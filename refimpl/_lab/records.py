"""Texts that are read by copying: entries of WordNet turned from one format into another, and lists picked from.

Each text keeps to one rule over all its lines, so that the first lines show what the last ones ask for. JSON is not
among the formats: it is what the task `json` asks a model to learn.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence

from refimpl._lab.wordnet import Synset

Fields = Sequence[tuple[str, str]]
Format = Callable[[Fields], str]
Rule = Callable[[list[str]], str]
_LETTERS = "aeioubcdfghklmnprst"
_QUOTES = ('"{}"', "'{}'", "<{}>", "[{}]", "({})", "*{}*", "`{}`", "{};", "${}", "{}!", "\\{}", "@{}")


def record_text(synsets: Sequence[Synset], order: random.Random) -> str:
    """One text: three to six entries in two formats, or four to nine lists and what a rule makes of each."""
    if order.random() < _ENTRIES:
        return _converted(synsets, order)
    return _picked(synsets, order)


_ENTRIES = 0.6  # of the texts


def _converted(synsets: Sequence[Synset], order: random.Random) -> str:
    told, asked = order.sample(_FORMATS, 2)
    link = order.choice(("\n", " => ", " -> ", "\t", "\n  ", " | "))
    names = order.choice(_FIELDS)
    rows = [_fields(order.choice(synsets), names, order) for _ in range(order.randint(3, 6))]
    after = order.sample(range(len(names)), len(names)) if order.random() < _REORDERED else range(len(names))
    lines = [told(row) + link + asked([row[at] for at in after]) for row in rows]
    return order.choice(("\n", "\n\n")).join(lines)


_REORDERED = 0.25  # of the conversions put the fields into another order
_FIELDS = (("word", "part"), ("word", "kind"), ("part", "word"), ("word", "other"), ("word", "part", "kind"), ("word",))


def _fields(synset: Synset, names: Sequence[str], order: random.Random) -> Fields:
    values = {
        "word": _word(synset, order),
        "part": synset.part,
        "kind": synset.noun_class or synset.part,
        "other": synset.hypernym or synset.antonym or synset.words[-1],
    }
    return [(name, values[name]) for name in names]


def _word(synset: Synset, order: random.Random) -> str:
    """A word of the meaning, or letters that are no word: what cannot be guessed has to be copied."""
    if order.random() < _INVENTED:
        return "".join(order.choice(_LETTERS) for _ in range(order.randint(3, 8)))
    return order.choice(synset.words)


_INVENTED = 0.25  # of the words


def _csv(row: Fields) -> str:
    return ", ".join(value for _, value in row)


def _calls(row: Fields) -> str:
    return "Entry(" + ", ".join(f"{name}='{value}'" for name, value in row) + ")"


def _lisp(row: Fields) -> str:
    return "(entry " + " ".join(f'(:{name} "{value}")' for name, value in row) + ")"


def _elements(row: Fields) -> str:
    return "<entry>" + "".join(f"<{name}>{value}</{name}>" for name, value in row) + "</entry>"


def _attributes(row: Fields) -> str:
    return "<entry " + " ".join(f'{name}="{value}"' for name, value in row) + "/>"


def _yaml(row: Fields) -> str:
    return "- " + "\n  ".join(f"{name}: {value}" for name, value in row)


def _ini(row: Fields) -> str:
    return "\n".join(f"{name} = {value}" for name, value in row)


def _latex(row: Fields) -> str:
    return "\\entry" + "".join(f"{{{value}}}" for _, value in row)


def _markdown(row: Fields) -> str:
    return "| " + " | ".join(value for _, value in row) + " |"


def _query(row: Fields) -> str:
    return "?" + "&".join(f"{name}={value.replace(' ', '+')}" for name, value in row)


def _lua(row: Fields) -> str:
    return "{ " + ", ".join(f'{name} = "{value}"' for name, value in row) + " }"


def _sentence(row: Fields) -> str:
    return "The " + " and the ".join(f'{name} is "{value}"' for name, value in row) + "."


def _labelled(row: Fields) -> str:
    return "; ".join(f"{name}: {value}" for name, value in row)


def _brackets(row: Fields) -> str:
    return f"{row[0][1]} (" + ", ".join(value for _, value in row[1:]) + ")"


_FORMATS: tuple[Format, ...] = (
    *(_csv, _calls, _lisp, _elements, _attributes, _yaml, _ini, _latex, _markdown, _query, _lua, _sentence, _labelled),
    _brackets,
)


def _picked(synsets: Sequence[Synset], order: random.Random) -> str:
    n, mark = order.randint(2, 5), order.choice((": ", " = ", " -> ", "\n", " | "))
    rule, between = _rule(n, order), order.choice((" ", ", ", " / ", " - "))
    lists = [[_item(synsets, order) for _ in range(n)] for _ in range(order.randint(4, 9))]
    return "\n".join(between.join(items) + mark + rule(items) for items in lists)


def _item(synsets: Sequence[Synset], order: random.Random) -> str:
    if order.random() < _NUMBERS:
        return str(order.randint(0, 9999))
    word = _word(order.choice(synsets), order)
    return word.partition(" ")[0].strip(string.punctuation) or "x"


_NUMBERS = 0.1  # of the items


def _rule(n: int, order: random.Random) -> Rule:
    """One of: an item of the list, all in another order, all again, each marked."""
    at, by, quote = order.randrange(n), order.randrange(1, n), order.choice(_QUOTES)
    between = order.choice((" ", ", ", "-", "\n", "; "))
    rules: tuple[Rule, ...] = (
        lambda items: items[at],
        lambda items: quote.format(items[at]),
        lambda items: between.join(items[by:] + items[:by]),
        lambda items: between.join(items[::-1]),
        lambda items: between.join(items),
        lambda items: between.join(quote.format(item) for item in items),
    )
    return order.choice(rules)
