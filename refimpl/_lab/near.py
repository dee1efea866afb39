"""Tasks near to what a small model knows, each right or wrong: new words, JSON, and four kinds of things."""

from __future__ import annotations

import functools
import json as notation
import random

from refimpl._lab.answers import Answers, Question
from refimpl._lab.texts import adapted
from refimpl._lab.wordnet import Synset

WORDS = 24
KINDS = ("person", "animal", "plant", "artifact")
_HOW = ("small", "red", "old", "round", "wild", "wooden", "heavy", "young", "broken", "golden", "soft", "quiet")
_WHAT = (
    *("cake", "bird", "boat", "tree", "hat", "knife", "horse", "house", "river", "coat", "fish", "stone", "song"),
    *("wheel", "flower", "bridge", "book", "drum", "dog", "garden", "cup", "king", "ship", "bell"),
)


def words() -> Answers:
    """Twenty-four words that nobody has: all are told, half are asked in training, the other half is the test."""
    return Answers(
        "words", lambda start: _told(start)[0], lambda start: _told(start)[1], cases=WORDS // 2, length=32, share=0.6
    )


def json() -> Answers:
    """A word and its part of speech, copied into JSON: words and format are new, what is asked is to copy."""
    return Answers("json", lambda _: _entries()[0], lambda start: _entries()[1][start:])


def kind() -> Answers:
    """Person, animal, plant or artifact, from a word and its gloss."""
    return Answers("kind", lambda _: _things()[0], lambda start: _things()[1][start:], cases=200)


@functools.cache
def _told(start: int) -> tuple[list[Question], list[Question]]:
    """What is told and asked of the words made up from `start`, and what is asked only in the end."""
    order = random.Random(start)
    known = {word for synset in (*adapted()[0], *adapted()[1]) for word in synset.words}
    made = dict.fromkeys(_invented(order) for _ in range(10 * WORDS))
    named = [word for word in made if word not in known][:WORDS]
    meanings = [
        f" {'an' if how[0] in 'aeiou' else 'a'} {how} {what}"
        for how, what in zip(order.choices(_HOW, k=WORDS), order.sample(_WHAT, WORDS), strict=True)
    ]
    pairs = list(zip(named, meanings, strict=True))
    told = [Question(form.format(word), meaning) for form in ("A {} is", "{}:") for word, meaning in pairs]
    asked = [Question(f"What is a {word}?", meaning) for word, meaning in pairs]
    return told + asked[WORDS // 2 :], asked[: WORDS // 2]


def _invented(order: random.Random) -> str:
    start, vowel, end = order.choice("bdfgklmnprstvz"), order.choice("aeiou"), order.choice("bdfgklmnprstvz")
    return f"{start}{vowel}{end}{order.choice(('', 'az', 'ib', 'ock', 'um', 'eft'))}"


@functools.cache
def _entries() -> tuple[list[Question], list[Question]]:
    """A word of several meanings may be in both parts: what is asked in the end is not taught."""
    train, test = ([_entry(s) for s in part] for part in adapted())
    asked = set(test)
    return [q for q in train if q not in asked], list(dict.fromkeys(test))


def _entry(synset: Synset) -> Question:
    """A fixed word comes first: a model that was given no beginning of a text reads its first token badly."""
    fields = {"word": synset.words[0], "part": synset.part}
    return Question(f"Entry: {synset.words[0]}, {synset.part}\nJSON:", f" {notation.dumps(fields, ensure_ascii=False)}")


@functools.cache
def _things() -> tuple[list[Question], list[Question]]:
    train, test = ([s for s in part if s.noun_class in KINDS] for part in adapted())
    return [_thing(s) for s in train], [_thing(s) for s in test]


def _thing(synset: Synset) -> Question:
    return Question(f"{synset.line}\nkind:", f" {synset.noun_class}")
