"""The tasks by name: what a model is adapted to, with data held out and a number a person understands.

    words     what 24 invented words mean, which the model is told (right answers)
    json      a word and its part of speech, copied into JSON (right answers)
    kind      person, animal, plant or artifact, from word and gloss (right answers)
    python    text of another kind: the source of Python's standard library (nats a token; lower is better)
    glosses   text of the same kind: glosses that `tiny` has never read (nats a token; lower is better)
    classes   classification into words: WordNet's 26 noun classes, from words and gloss (accuracy)
    recall    what was said of a key, anywhere in a long context (accuracy)

None of them needs a download.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from refimpl._lab import LabError, near
from refimpl._lab.answers import Answers
from refimpl._lab.classes import Classes
from refimpl._lab.recall import Recall
from refimpl._lab.score import Sample, Score, Task
from refimpl._lab.texts import Text, glosses, python

__all__ = ["TASKS", "Answers", "Classes", "Recall", "Sample", "Score", "Task", "Text", "get", "glosses", "python"]

TASKS: dict[str, Callable[[], Task]] = {
    "words": near.words, "json": near.json, "kind": near.kind,
    "python": python, "glosses": glosses, "classes": Classes, "recall": Recall,
}  # fmt: skip


def get(name: str) -> Task:
    """The task of this name. Raises `LabError`."""
    if name in TASKS:
        return TASKS[name]()
    near = difflib.get_close_matches(name, TASKS, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? There are" if near else "there are"
    raise LabError(f"no task {name!r}; {meant} {', '.join(TASKS)}")
