"""How often a right paper is among the first three: questions of a file, by words and by meaning.

python benchmarks/ask.py FOLDER [QUESTIONS.toml]        (default: graphs.toml)
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from catalog.library import Library


def main(folder: str, questions: str = "") -> None:
    library = Library.open(folder)
    file = Path(questions) if questions else Path(__file__).with_name("graphs.toml")
    for part, asked in tomllib.loads(file.read_text("utf-8")).items():
        words = sum(any(line.key in right for line in library.lines(q, limit=3).papers) for q, right in asked.items())
        meaning = sum(any(line.key in right for line in library.like(q, 3).papers) for q, right in asked.items())
        print(f"{part}: {words} by words, {meaning} by meaning, of {len(asked)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
