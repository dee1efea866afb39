"""The registry is the folder: what each implementation says of itself, read from its source without running it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

PACKAGE = Path(__file__).parent
LEAST_CLAIMS = 3
KINDS = ("exact", "parity", "direction", "headline")
_NOT_METHODS = frozenset({"registry.py"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of the paper that the implementation measures; `says` is its docstring on one line.

    `kind` is what it is marked with: exact, parity, direction, headline; "" where it is not marked.
    """

    name: str
    says: str
    line: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a file breaks the form of an implementation, and what to do about it."""

    message: str
    remedy: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Card:
    """What an implementation says of itself. `name` is its file, `title` its method, `paper` a citation key."""

    name: str
    path: str
    title: str = ""
    summary: str = ""
    doc: str = ""
    paper: str = ""
    line: int = 0
    claims: tuple[Claim, ...] = ()
    has_apply: bool = False
    has_merge: bool = False
    has_demo: bool = False
    problems: tuple[Problem, ...] = ()


def cards(folder: Path | None = None) -> list[Card]:
    """The implementations of a folder, by name; of this package where none is named. Runs nothing of theirs."""
    here = folder or PACKAGE
    skipped = _NOT_METHODS if here == PACKAGE else frozenset[str]()
    files = sorted(here.glob("*.py")) if here.is_dir() else []
    return [read_card(file) for file in files if not file.name.startswith("_") and file.name not in skipped]


def read_card(file: Path) -> Card:
    """The card of one file. One that cannot be read is a card that says so."""
    blank = Card(name=file.stem, path=str(file))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as e:
        return replace(blank, problems=(Problem(f"not Python: {e.msg}", "correct it", e.lineno or 1),))
    except (OSError, ValueError, RecursionError, MemoryError) as e:
        return replace(blank, problems=(Problem(f"cannot be read: {e}", "correct it"),))
    card = _read_tree(tree, blank)
    return replace(card, problems=tuple(_problems(card)))


def _read_tree(tree: ast.Module, blank: Card) -> Card:
    doc = ast.get_docstring(tree) or ""
    title, colon, summary = doc.partition("\n")[0].partition(": ")
    paper, line = _paper(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    claims = tuple(
        Claim(name, _first_paragraph(ast.get_docstring(node) or ""), node.lineno, _kind(node))
        for name, node in functions.items()
        if name.startswith("claim_")
    )
    return replace(
        blank,
        title=title.strip() if colon else "",
        summary=summary.strip(),
        doc=doc,
        paper=paper,
        line=line,
        claims=claims,
        has_apply="apply" in functions,
        has_merge="merge" in functions,
        has_demo="demo" in functions,
    )


def _first_paragraph(doc: str) -> str:
    return " ".join(doc.partition("\n\n")[0].split())


def _kind(claim: ast.FunctionDef) -> str:
    marks = [mark.id for mark in claim.decorator_list if isinstance(mark, ast.Name) and mark.id in KINDS]
    return marks[0] if marks else ""


def _paper(tree: ast.Module) -> tuple[str, int]:
    """The citation key that `PAPER` is set to, and the line on which it is."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named = any(isinstance(target, ast.Name) and target.id == "PAPER" for target in targets)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value.strip(), node.lineno
    return "", 0


def _problems(card: Card) -> Iterator[Problem]:
    if not card.title or not card.summary:
        yield Problem("the docstring does not begin with a name and a sentence", "begin it with `NAME: one sentence.`")
    if not card.paper:
        yield Problem("no PAPER", 'write PAPER = "…" with the citation key of its paper')
    if len(card.claims) < LEAST_CLAIMS:
        yield Problem(f"{len(card.claims)} of at least {LEAST_CLAIMS} claims", "write claim_… functions that measure")
    for claim in card.claims:
        if not claim.says:
            yield Problem(
                f"{claim.name} does not say what it claims", "begin its docstring with the section", claim.line
            )
    if not card.has_demo:
        yield Problem("no demo", "write demo(…): the method on a base model, before and after")
