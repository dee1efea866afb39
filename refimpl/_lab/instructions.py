"""WordNet as instructions: six families of tasks, ten ways to ask for the answer of a case, and the score."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from refimpl._lab import wordnet
from refimpl._lab.choices import AT_ONCE, choose, padded
from refimpl._lab.generate import evaluating, greedy, place
from refimpl._lab.losses import IGNORED, Batch, batch_loss
from refimpl._lab.score import Better, Sample, Score
from refimpl._lab.texts import adapted

WRONG = 3  # options beside the right one, where the answers are not a closed list
SPEECH = {"noun": "noun", "verb": "verb", "adj": "adjective", "adv": "adverb"}
FIELD = re.compile(r"\{(\w+)\}")
DELIMITER, SEPARATOR, OPTIONS = "\n\n", "\n\n\n", "\nOPTIONS:\n- "


@dataclass(frozen=True, slots=True)
class Case:
    """A word, what it means, the answer to the family's question, what could be mistaken for it, and a reason."""

    word: str
    gloss: str
    answer: str
    wrong: tuple[str, ...]
    reason: str

    def fields(self) -> dict[str, str]:
        return {"word": self.word, "gloss": self.gloss, "answer": self.answer, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Template:
    """How a case is asked and answered. Inverted, the answer is given and the word is asked for."""

    given: str
    target: str = "{answer}"

    @property
    def inverted(self) -> bool:
        return "{answer}" in self.given


THOUGHTS = (
    Template("{question}\nLet's think step by step.", "{reason}\nSo the answer is {answer}"),
    Template("{question}\nGive the answer, then explain it.", "{answer}\nThe reason: {reason}"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """What the model reads, and what it is to say."""

    input: str
    target: str


@dataclass(frozen=True, slots=True)
class Form:
    """How a case is shown: behind how many exemplars, with its options, with a chain of thought (0, 1, or none)."""

    shots: int = 0
    options: bool = False
    thought: int | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of task: its name, ten templates, and how a meaning becomes a case of it (or none)."""

    name: str
    templates: tuple[Template, ...]
    answer: Callable[[wordnet.Synset], str]
    closed: tuple[str, ...] = ()  # every possible answer, where there are few

    def reason(self, synset: wordnet.Synset) -> str:
        """What the answer rests on, and is not the answer."""
        if synset.hypernym and self.name != "hypernym":
            return f"{synset.words[0]} is a kind of {synset.hypernym}."
        if self.name == "define":
            return f"{synset.words[0]} is one of the {SPEECH[synset.part]}s."
        return f"{synset.words[0]} means {synset.gloss}."


def read(pattern: str, text: str) -> dict[str, str] | None:
    """The fields that `pattern.format(**fields)` was made of, or None if the text is not of that pattern."""
    found = _reader(pattern).fullmatch(text)
    return found.groupdict() if found else None


@functools.cache
def _reader(pattern: str) -> re.Pattern[str]:
    """Each field is one line or a part of one; the first of two is the shorter."""
    parts = FIELD.split(pattern)
    return re.compile("".join(f"(?P<{p}>.+?)" if at % 2 else re.escape(p) for at, p in enumerate(parts)))


def show(case: Case, template: Template, form: Form, draw: random.Random) -> Example:
    """One case without exemplars. An inverted template has neither options nor a chain of thought."""
    fields = case.fields()
    question = template.given.format(**fields)
    if template.inverted:
        return Example(question, template.target.format(**fields))
    if form.options:
        question += OPTIONS + "\n- ".join(draw.sample([case.answer, *case.wrong], len(case.wrong) + 1))
    if form.thought is None:
        return Example(question, template.target.format(**fields))
    thought = THOUGHTS[form.thought]
    return Example(thought.given.format(question=question), thought.target.format(**fields))


def few_shot(case: Case, pool: Sequence[Case], template: Template, form: Form, draw: random.Random) -> Example:
    """The case behind exemplars of the same template and form, none of which is about it."""
    there = draw.sample(pool, min(len(pool), form.shots + 8)) if form.shots else []
    others = [other for other in there if _apart(case, other)][: form.shots]
    shown = [show(other, template, form, draw) for other in others]
    last = show(case, template, form, draw)
    return Example(SEPARATOR.join([*(e.input + DELIMITER + e.target for e in shown), last.input]), last.target)


def _apart(case: Case, other: Case) -> bool:
    """Another word and meaning; nor is the one the answer to the other, as with opposites."""
    return not {case.word, case.gloss} & {other.word, other.gloss, other.answer}


def answer_of(target: str, template: Template, form: Form) -> str | None:
    """Read the answer (inverted: the word) back from what was said; None if it is not in the form asked for."""
    plain = template.inverted or form.thought is None
    found = read(template.target if plain else THOUGHTS[form.thought or 0].target, target)
    return None if found is None else found["word" if template.inverted else "answer"]


@functools.cache
def cases(family: str, tested: bool = False) -> tuple[Case, ...]:
    """The cases of a family, of the meanings to adapt to or of those to test on. No word is in both."""
    kind, (train, test) = FAMILIES[family], adapted()
    trained = {s.words[0] for s in train}
    synsets = [s for s in test if s.words[0] not in trained] if tested else train
    there = [(s, kind.answer(s)) for s in synsets]
    asked = [(s, answer) for s, answer in there if answer and answer != s.words[0]]
    if kind.closed and tested:
        asked = _evened(asked)
    answers = [answer for _, answer in asked]
    return tuple(_case(kind, synset, answer, answers) for synset, answer in asked)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A task of the lab: train on `rows` of other families; the score is that on this one, on words never trained on.

    `ask` shows a case by a template, with its options; `tokens` makes ids and labels of what it shows.
    """

    family: str
    rows: Callable[[PreTrainedTokenizerBase, int, int], Iterator[dict[str, Tensor]]]  # of a length, by a seed
    ask: Callable[[Case, Template, random.Random], Example]
    tokens: Callable[[Example, PreTrainedTokenizerBase], tuple[list[int], list[int]]]
    asked: int = 100
    name: str = "instructions"
    length: int = 256
    metric: str = "nats a token of the held-out task's answers"  # or "accuracy"
    better: Better = "lower"

    def batches(self, tokenizer: PreTrainedTokenizerBase, length: int, batch: int, seed: int) -> Iterator[Batch]:
        rows = self.rows(tokenizer, length, seed)
        while made := list(islice(rows, batch)):
            yield {key: torch.stack([row[key] for row in made]) for key in made[0]}

    def questions(self, n: int) -> list[tuple[Case, Example]]:
        """By each template in turn that is not inverted; the same ones every time."""
        draw = random.Random(0)
        templates = cycle(t for t in FAMILIES[self.family].templates if not t.inverted)
        return [(case, self.ask(case, next(templates), draw)) for case in cases(self.family, tested=True)[:n]]

    def evaluate(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        return self.accuracy(model, tokenizer) if self.metric == "accuracy" else self.nats(model, tokenizer)

    @torch.no_grad()
    def nats(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        """The loss of the right answers."""
        rows = [self.tokens(example, tokenizer) for _, example in self.questions(self.asked)]
        total, device = 0.0, place(model)
        with evaluating(model):
            for at in range(0, len(rows), AT_ONCE):
                ids, labels = zip(*rows[at : at + AT_ONCE], strict=True)
                batch = padded(ids, labels, tokenizer, max(map(len, ids)))
                part = {key: tensor.to(device) for key, tensor in batch.items()}
                total += batch_loss(model, part, torch.tensor(1.0, device=device)).item()
        count = sum(y != IGNORED for _, labels in rows for y in labels)
        return Score(total / count, count)

    def accuracy(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Score:
        """How often the likeliest of the options is the right one."""
        by: dict[tuple[str, ...], list[Example]] = {}
        for case, example in self.questions(self.asked):
            by.setdefault(tuple(sorted((case.answer, *case.wrong))), []).append(example)
        right = 0
        for options, examples in by.items():
            chosen = choose(model, tokenizer, [self._prompt(e, tokenizer) for e in examples], options)
            right += sum(options[c] == e.target for c, e in zip(chosen, examples, strict=True))
        n = sum(map(len, by.values()))
        return Score(right / n, n, sum(len(examples) / len(options) for options, examples in by.items()) / n)

    def samples(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, n: int = 2) -> list[Sample]:
        asked = [example for _, example in self.questions(n)]
        return [Sample(e.input, greedy(model, tokenizer, f"{e.input}{tokenizer.eos_token}"), e.target) for e in asked]

    def _prompt(self, example: Example, tokenizer: PreTrainedTokenizerBase) -> list[int]:
        ids, labels = self.tokens(example, tokenizer)
        return ids[: labels.count(IGNORED)]


def _case(kind: Family, synset: wordnet.Synset, answer: str, answers: Sequence[str]) -> Case:
    wrong: Iterable[str] = (other for other in kind.closed if other != answer)
    if not kind.closed:
        draw = random.Random(synset.id)
        there = dict.fromkeys(draw.sample(answers, min(len(answers), 3 * WRONG)))
        wrong = [other for other in there if other != answer][:WRONG]
    return Case(synset.words[0], synset.gloss, answer, tuple(wrong), kind.reason(synset))


def _evened(asked: Sequence[tuple[wordnet.Synset, str]]) -> list[tuple[wordnet.Synset, str]]:
    """In turn one of each answer, as long as there is one of each: always saying the same is right by chance alone."""
    by: dict[str, list[tuple[wordnet.Synset, str]]] = {}
    for synset, answer in asked:
        by.setdefault(answer, []).append((synset, answer))
    return [pair for turn in zip(*by.values(), strict=False) for pair in turn]


def _family(
    name: str, answer: Callable[[wordnet.Synset], str], asked: str, inverted: str, closed: tuple[str, ...] = ()
) -> Family:
    """Templates from two blocks of text, one a line; `|` is where a line breaks."""
    lines = [line.strip().replace("|", "\n") for line in asked.strip().splitlines()]
    turned = [line.strip().replace("|", "\n") for line in inverted.strip().splitlines()]
    templates = [*(Template(line) for line in lines), *(Template(line, "{word}") for line in turned)]
    return Family(name, tuple(templates), answer, closed)


_ALL = (
    _family(
        "define",
        lambda s: s.gloss,
        """
        What does "{word}" mean?
        Define the word "{word}".
        Write a dictionary entry for "{word}".
        word: {word}|definition:
        Explain in a few words what "{word}" is.
        A friend asks you what "{word}" means. What do you say?
        Which definition fits the word "{word}"?
        """,
        """
        Which word means this?|{answer}
        definition: {answer}|word:
        Here is an entry of a dictionary: {answer}|Which word is it the entry of?
        """,
    ),
    _family(
        "class",
        lambda s: s.noun_class,
        """
        Which class does "{word}" belong to?|{gloss}
        {gloss}|In one word, what kind of thing is that?
        word: {word}|meaning: {gloss}|class:
        Classify the noun "{word}", in the sense of: {gloss}
        "{word}" means: {gloss}|What is it an instance of?
        Put the noun "{word}" into a class. Its meaning: {gloss}
        To sort nouns by topic, where would you put "{word}"?|It means: {gloss}
        """,
        """
        Name something of the class "{answer}".|It means: {gloss}
        class: {answer}|meaning: {gloss}|word:
        Which noun of the class "{answer}" means this?|{gloss}
        """,
        wordnet.NOUN_CLASSES,
    ),
    _family(
        "hypernym",
        lambda s: s.hypernym,
        """
        What is a more general word for "{word}"?|{gloss}
        "{word}" is a kind of what?|It means: {gloss}
        word: {word}|meaning: {gloss}|more general:
        Complete the sentence: "{word}" is a kind of
        Every "{word}" is also something more general. What?
        Give the hypernym of "{word}" ({gloss}).
        Go one step up from "{word}" towards the general. The meaning is: {gloss}
        """,
        """
        Name a kind of "{answer}".|It means: {gloss}
        more general: {answer}|meaning: {gloss}|word:
        Which word is more special than "{answer}" and means this?|{gloss}
        """,
    ),
    _family(
        "antonym",
        lambda s: s.antonym,
        """
        What is the opposite of "{word}"?
        Give an antonym of "{word}", in the sense of: {gloss}
        word: {word}|meaning: {gloss}|opposite:
        Which word means the contrary of "{word}"?
        If something is not "{word}", what is it?
        "{word}" means: {gloss}|Find a word that means the opposite.
        Turn "{word}" into its contrary.
        """,
        """
        "{answer}" is the opposite of which word?
        opposite: {answer}|meaning: {gloss}|word:
        Which word has "{answer}" as its antonym?|It means: {gloss}
        """,
    ),
    _family(
        "example",
        lambda s: s.examples[0] if s.examples else "",
        """
        Use "{word}" in a sentence.
        Give an example of how "{word}" is used.|It means: {gloss}
        word: {word}|meaning: {gloss}|example:
        Which sentence shows the use of "{word}"?
        Write something with "{word}" in the sense of: {gloss}
        How would you say "{word}"? Give an example.
        Show by an example what "{word}" means: {gloss}
        """,
        """
        Which word is this an example of?|{answer}|It means: {gloss}
        example: {answer}|meaning: {gloss}|word:
        For which word would a dictionary give this example?|{answer}
        """,
    ),
    _family(
        "part",
        lambda s: SPEECH[s.part],
        """
        What part of speech is "{word}"?|{gloss}
        Is "{word}" a noun, a verb, an adjective or an adverb?|It means: {gloss}
        word: {word}|meaning: {gloss}|part of speech:
        Name the part of speech of "{word}", in the sense of: {gloss}
        "{word}" means: {gloss}|Which part of speech is it?
        Tell what kind of word "{word}" is. Its meaning: {gloss}
        In a grammar, what would "{word}" be called?|It means: {gloss}
        """,
        """
        Write a word whose part of speech is {answer}.|It means: {gloss}
        part of speech: {answer}|meaning: {gloss}|word:
        Which {answer} means this?|{gloss}
        """,
        tuple(SPEECH.values()),
    ),
)
FAMILIES = {family.name: family for family in _ALL}
