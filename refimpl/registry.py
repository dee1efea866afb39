"""The registry is the folder: what each implementation says of itself, read from its source without running it."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

PACKAGE = Path(__file__).parent
LEAST_CLAIMS = 3
CLAIMS = "claims"
TAKES = "It takes "  # how a paragraph begins that says what it would take to show a claim
KINDS = ("exact", "parity", "direction", "headline")
_IDS = {
    "arxiv": re.compile(
        r"(?:https?://arxiv\.org/abs/|arxiv:)?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?", re.I
    ),
    "doi": re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.\d{4,9}/\S+)", re.I),
}
_SUBJECT = re.compile(r"(?<=[a-z])\.[a-z]{2}/(?=\d{7}$)")  # math.GT/0309136 is math/0309136
_NOT_METHODS = frozenset({"registry.py"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of the paper that the implementation measures; `says` is its docstring on one line.

    `kind` is what it is marked with: exact, parity, direction, headline; "" where it is not marked. `path` is its file.
    `takes` is what it would take to show it, where its docstring says so in a paragraph that begins "It takes".
    """

    name: str
    says: str
    line: int = 0
    kind: str = ""
    path: str = ""
    takes: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a file breaks the form of an implementation, and what to do about it."""

    message: str
    remedy: str
    path: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Card:
    """What an implementation says of itself. `name` is its file, `title` its method, `paper` a citation key.

    `parts` are its classes and functions for others, each with what its docstring says.
    `ids` are identifiers of the paper, as ("arxiv", "2106.09685") or ("doi", "10.1234/x"): they hold in any collection,
    whatever key the paper has there.
    `claims_path` is the file of its claims where they have one of their own, `claims/NAME.py` beside it; else "".
    """

    name: str
    path: str
    claims_path: str = ""
    title: str = ""
    summary: str = ""
    doc: str = ""
    parts: str = ""
    paper: str = ""
    ids: tuple[tuple[str, str], ...] = ()
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
    """The card of one file and of its claims. One that cannot be read is a card that says so."""
    beside = file.parent / CLAIMS / file.name
    blank = Card(name=file.stem, path=str(file), claims_path=str(beside) if beside.is_file() else "")
    trees = [_parsed(path) for path in filter(None, (blank.path, blank.claims_path))]
    if unread := tuple(tree for tree in trees if isinstance(tree, Problem)):
        return replace(blank, problems=unread)
    method, *rest = [tree for tree in trees if isinstance(tree, ast.Module)]
    claims = _claims(method, blank.path) + tuple(c for tree in rest for c in _claims(tree, blank.claims_path))
    card = replace(_read_tree(method, blank), claims=claims)
    return replace(card, problems=tuple(_problems(card)))


def _parsed(path: str) -> ast.Module | Problem:
    if Path(path).is_symlink() or not Path(path).is_file():
        return Problem("not a file, or a link to one", "put the file itself here", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(Path(path).read_bytes(), filename=path)
    except SyntaxError as e:
        return Problem(f"not Python: {e.msg}", "correct it", path, e.lineno or 1)
    except (OSError, ValueError, RecursionError, MemoryError) as e:
        return Problem(f"cannot be read: {e}", "correct it", path)


def _read_tree(tree: ast.Module, blank: Card) -> Card:
    doc = ast.get_docstring(tree) or ""
    title, colon, summary = doc.partition("\n")[0].partition(": ")
    says, line = _paper(tree)
    paper, ids = _read_paper(says)
    functions = _functions(tree)
    return replace(
        blank,
        title=title.strip() if colon else "",
        summary=summary.strip(),
        doc=doc,
        parts="\n".join(_parts(tree)),
        paper=paper,
        ids=ids,
        line=line,
        has_apply="apply" in functions,
        has_merge="merge" in functions,
        has_demo="demo" in functions,
    )


def _parts(tree: ast.Module) -> Iterator[str]:
    """The classes, methods and functions that are no one's own affair, each with its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield f"{node.name}: {ast.get_docstring(node) or ''}".removesuffix(": ")


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _claims(tree: ast.Module, path: str) -> tuple[Claim, ...]:
    return tuple(_claim(name, node, path) for name, node in _functions(tree).items() if name.startswith("claim_"))


def _claim(name: str, node: ast.FunctionDef, path: str) -> Claim:
    says, *more = (" ".join(part.split()) for part in (ast.get_docstring(node) or "").split("\n\n"))
    takes = next((part for part in more if part.startswith(TAKES)), "")
    return Claim(name, says, node.lineno, _kind(node), path, takes)


def _kind(claim: ast.FunctionDef) -> str:
    marks = [getattr(mark, "id", getattr(mark, "attr", "")) for mark in claim.decorator_list]  # exact, or _kinds.exact
    return next((mark for mark in marks if mark in KINDS), "")


def _paper(tree: ast.Module) -> tuple[str, int]:
    """What `PAPER` is set to, and the line on which it is."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named = any(isinstance(target, ast.Name) and target.id == "PAPER" for target in targets)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value.strip(), node.lineno
    return "", 0


def _read_paper(says: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The citation key and the identifiers of `hu2021lora arXiv:2106.09685`; an identifier may stand alone."""
    words = says.split()
    ids = tuple(
        (name, _SUBJECT.sub("/", found[1].lower()))
        for word in words
        for name, form in _IDS.items()
        if (found := form.fullmatch(word))
    )
    keys = [word for word in words if not any(form.fullmatch(word) for form in _IDS.values())]
    return (keys or words or [""])[0], ids


def _problems(card: Card) -> Iterator[Problem]:
    wrong = partial(Problem, path=card.path)
    if not card.title or not card.summary:
        yield wrong("the docstring does not begin with a name and a sentence", "begin it with `NAME: one sentence.`")
    if not card.paper:
        yield wrong("no PAPER", 'write PAPER = "…" with the citation key of its paper, and its arXiv id or DOI')
    if len(card.claims) < LEAST_CLAIMS:
        yield wrong(f"{len(card.claims)} of at least {LEAST_CLAIMS} claims", "write claim_… functions that measure")
    for claim in card.claims:
        if not claim.says:
            missing = f"{claim.name} does not say what it claims"
            yield Problem(missing, "begin its docstring with the section", claim.path, claim.line)
    if not card.has_demo:
        yield wrong("no demo", "write demo(…): the method on a base model, before and after")
