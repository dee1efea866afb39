"""Plant faults where nothing may be lost or run, and see which test notices: python tests/mutants.py [NAME ...]

Each is planted in a copy of the project; the tests named run there until one fails. A fault that no test notices, and one
whose place is no longer there, are wrong.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COPIED = (".github", "catalog", "refimpl", "tests", "papers", "notebooks", "runs", "site", "pyproject.toml", "README.md", "kb.toml",
          "shared.bib", "CHANGELOG.md", "CONTRIBUTING.md", "constraints.txt", "mkdocs.yml", "catalog.schema.json")  # fmt: skip


class Mutant(NamedTuple):
    """A fault: what is planted where, and the tests that have to notice."""

    path: str
    old: str
    new: str
    tests: str


MUTANTS = {
    "what was asked beyond a paper is not asked again": Mutant(
        "check/kept.py", "if world.remembered(Question(*one[:2])) != one[2]]", "if False]", "test_kept_checks.py",
    ),
    "papers that changed are not compared again": Mutant(
        "search/rows.py", "    _uncompare(db, [row[:1] for row in rows])\n", "", "test_kept_checks.py",
    ),
    "texts are not synced": Mutant(
        "store/disk.py", "            os.fsync(handle)\n        finally:\n            os.close(handle)\n\n\ndef sync_folder",
        "            pass\n        finally:\n            os.close(handle)\n\n\ndef sync_folder", "test_gate.py",
    ),
    "folders are not synced": Mutant(
        "store/disk.py", "        handle = os.open(folder, os.O_RDONLY)\n", "        return\n        handle = os.open(folder, os.O_RDONLY)\n",
        "test_gate.py",
    ),
    "what is written is not read back": Mutant("store/gate.py", "        if not same:\n", "        if False:\n", "test_gate.py"),
    "what is replaced is not compared": Mutant(
        "store/gate.py", "if version is None or version.data != move.before.data:", "if False:", "test_gate.py test_store.py",
    ),
    "nothing is looked at just before the rename": Mutant(
        "store/disk.py", "    if stamp_at(path) != expected:\n", "    if False:\n", "test_gate.py",
    ),
    "what appeared meanwhile is replaced": Mutant(
        "store/disk.py", "            os.link(temp, path)\n", "            os.replace(temp, path)\n            return\n", "test_gate.py",
    ),
    "absent is absent in one spelling": Mutant(
        "store/disk.py", "    if name.isascii():\n        return name.lower()\n", "    return name\n", "test_gate.py",
    ),
    "no other change is looked for": Mutant(
        "store/gate.py", "if since is not None and since != self.latest():", "if False:", "test_gate.py",
    ),
    "a change is not made again": Mutant(
        "store/gate.py", "        except Conflict:\n            with self.lock():\n", "        except Conflict:\n            raise\n            with self.lock():\n",
        "test_gate.py",
    ),
    "a change is written down afterwards": Mutant(
        "store/history.py", "'pending', ?)\"", "'done', ?)\"", "test_store.py test_history.py",
    ),
    "what a killed writer began is done whatever stands there": Mutant(
        "store/gate.py", "if path in moved or states[path] not in (before, after):", "if path in moved:", "test_history.py",
    ),
    "undo looks at nothing": Mutant(
        "store/undo.py", 'if (now.digest if now else "") != there:', "if False:", "test_history.py",
    ),
    "a killed writer's texts stay": Mutant(
        "store/gate.py", "        disk.sweep(self.private)\n", "", "test_gate.py",
    ),
    "a living writer's texts are swept": Mutant(
        "store/disk.py", " and not _is_at_work(folder / name, found):", ":", "test_gate.py",
    ),
    "texts are read back under the lock": Mutant(
        "store/__init__.py", "        with self.gate.ready(changes) as moves, self.lock():\n",
        "        with self.lock(), self.gate.ready(changes) as moves:\n", "test_gate.py",
    ),
    "heirs are not read again": Mutant(
        "store/indexing.py", "        changed.update(file for file in _heirs(index) if file in on_disk)\n", "",
        "test_looking.py",
    ),
    "young files are trusted never": Mutant(
        "store/indexing.py", "return mark if int(mark.partition(\".\")[0]) < time.time_ns() - GRAIN else young", 'return "young"',
        "test_looking.py",
    ),
    "two of my changes at once": Mutant(
        "store/readers.py", "if before is not None and before.mine != mine.version:", "if False:", "test_readers.py",
    ),
    "readers are not looked at again": Mutant(
        "store/readers.py", "        return hashlib.sha256(\"\\n\".join([self.me(), *stamps]).encode()).hexdigest()[:16] if names else \"\"",
        '        return "x" if names else ""', "test_readers.py",
    ),
    "an answer is of several moments": Mutant(
        "search/index.py", "            db.execute(\"BEGIN\")\n", "", "test_search_index.py",
    ),
    "a key is measured in characters": Mutant(
        "models.py", "if len(file_name(text).encode()) > 240:", "if len(file_name(text)) > 240:", "test_paperfile.py test_store.py test_boundary.py",
    ),
    "one public address is enough": Mutant(
        "ingest/fetch.py", "not all(map(is_public, addresses))", "not any(map(is_public, addresses))", "test_fetch.py",
    ),
    "no deadline": Mutant(
        "ingest/wire.py", "        return self.real.read(max_bytes, _left(self.deadline))", "        return self.real.read(max_bytes, 60.0)",
        "test_fetch.py",
    ),
    "fixes are not read back": Mutant(
        "check/fixes.py", "        return same(loads(text, paper.key, path), paper)\n", "        return True\n", "test_check.py",
    ),
    "keys are offered unquoted": Mutant(
        "cli/shell.py", "quoted(item.value) if item.type == 'plain' else item.value", "item.value", "test_completion.py",
    ),
    "every clone is trusted": Mutant(
        "trust.py", "    return (folder / f\"{_name(root)}.{fingerprint(root)}\").is_file()", "    return True", "test_trust.py",
    ),
    "nothing is too deep": Mutant("paperfile.py", "            if depth > DEEPEST:\n", "            if False:\n", "test_paperfile.py test_boundary.py"),
    "pipes are opened": Mutant("files.py", "            if not stat.S_ISREG(about.st_mode):\n", "            if False:\n", "test_boundary.py"),
    "drafts follow links": Mutant("store/drafts.py", "    if folder.is_symlink():\n        raise", "    if False:\n        raise", "test_drafts.py"),
    "listings show what steers a terminal": Mutant("cli/out.py", "    return _UNSEEN.sub(_escape, text)\n", "    return text\n", "test_boundary.py"),
    "two values of one field are united": Mutant("threeway.py", "            clashes.append(name)\n            value = ours\n", "            value = ours\n", "test_merging.py"),
    "what merge marks hold is a paper": Mutant("paperfile.py", "    if unresolved := conflict.hunks(text):\n", "    if unresolved := []:\n", "test_gate.py"),
    "a link that leads out is written through": Mutant(
        "store/gate.py", "if removed or not Path(target).is_relative_to(os.path.realpath(self.root)):", "if removed:", "test_gate.py",
    ),
    "what is taken back goes over an edit": Mutant(
        "store/gate.py", "        if there == move.digest:", "        if True:", "test_gate.py",
    ),
    "removals go first": Mutant("store/gate.py", "key=lambda move: not move.digest", "key=lambda move: bool(move.digest)", "test_gate.py"),
    "folders of others lead out": Mutant("store/gate.py", "        stays_within((self.root / file).parent, self.root)\n", "", "test_gate.py"),
    "a disk without hard links overwrites": Mutant("store/disk.py", " or os.path.lexists(path):", ":", "test_gate.py"),
    "a change is not on the disk before it begins": Mutant(
        "store/history.py", "        with self._writing(\"FULL\"):", "        with self._writing(\"NORMAL\"):", "test_history.py",
    ),
    "the history is written through a link": Mutant("store/history.py", "        if path.is_symlink():\n", "        if False:\n", "test_history.py"),
    "what is away for a moment is forgotten": Mutant(
        "store/indexing.py", "        removed = [file for file in removed if file not in there]\n", "", "test_looking.py",
    ),
    "what all share is not looked at": Mutant(
        "store/indexing.py", "    if index.get_meta(\"shared\") != shared:\n        known = dict.fromkeys(known, \"\")\n", "", "test_looking.py",
    ),
    "what cannot be read merges as nothing": Mutant("store/merging.py", "    if None in texts:", "    if False:", "test_merging.py"),
    "a proxy is asked for private hosts": Mutant(
        "ingest/fetch.py", "            if e.reason == \"private\":\n                raise\n", "            pass\n", "test_fetch.py",
    ),
    "every host is told what is for one": Mutant(
        "ingest/fetch.py", "return {**self.headers, **self.private} if same else self.headers", "return {**self.headers, **self.private}",
        "test_fetch.py",
    ),
    "a request waits for ever": Mutant("ingest/wire.py", "self.real.write(buffer, _left(self.deadline))", "self.real.write(buffer, 60.0)", "test_fetch.py"),
    "a commit is made in a merge": Mutant(
        "store/commits.py", "if any((Path(top) / name).exists() for name in _UNDER_WAY):", "if False:",
        "test_gate.py",
    ),
    "a change that failed is written down": Mutant(
        "store/gate.py", "                    self._put_back(move)\n                history.drop(number)\n", "                    self._put_back(move)\n", "test_gate.py",
    ),
    "a text goes over what it was not made of": Mutant(
        "library/edits.py", "        if before.data != (expected.encode() if isinstance(expected, str) else expected.data):\n", "        if False:\n",
        "test_drafts.py",
    ),
    "nobody hears what keeps an old key": Mutant(
        "library/edits.py", "        self.store.gate.notices += [f\"{one.where} cannot be read; what it says of others stays\" for one in wrong]\n", "",
        "test_gate.py",
    ),
    "a cache is opened through a link": Mutant("cache.py", "not stat.S_ISREG(os.lstat(path).st_mode)", "False", "test_boundary.py"),
    "a work that cannot be read is not there": Mutant(
        "ingest/merge.py", "(one.may_be(work) for one in self.unread.values())", "()", "test_gate.py",
    ),
    "dots without end": Mutant("toml.py", "            if line.count(\".\") > _MOST_DOTS:\n", "            if False:\n", "test_readers.py test_store.py"),
}  # fmt: skip


def copied(to: Path) -> Path:
    """A copy of the project."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__", ".kb", "build"))
        elif source.exists():
            shutil.copy(source, to / name)
    return to


def planted(project: Path, mutant: Mutant) -> str | None:
    """The first test that notices; None where none does. Raises `LookupError` where the place is not there once."""
    path = project / "catalog" / mutant.path
    text = path.read_text()
    if text.count(mutant.old) != 1:
        raise LookupError(f"{mutant.path} holds it {text.count(mutant.old)} times")
    path.write_text(text.replace(mutant.old, mutant.new))
    tests = [f"tests/{name}" for name in mutant.tests.split()]
    try:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
            "--tb=no",
            *tests,
        ]
        env = os.environ | {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=1200)
    except subprocess.TimeoutExpired:
        return "the time it takes"
    finally:
        path.write_text(text)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if failed:
        return failed[0].partition(" - ")[0]
    return f"the tests end by signal {-done.returncode}" if done.returncode < 0 else None


def survivors(names: list[str]) -> Iterator[str]:
    """The faults that nothing notices; what notices the others is printed."""
    with tempfile.TemporaryDirectory() as folder:
        project = copied(Path(folder))
        for name in names:
            try:
                noticed = planted(project, MUTANTS[name])
            except LookupError as e:
                yield f"{name}: {e}"
                continue
            if noticed:
                print(f"{name}: {noticed}", flush=True)
            else:
                yield f"{name}: noticed by nothing"


def main() -> None:
    """Plant those named, or all."""
    wrong = 0
    for problem in survivors(sys.argv[1:] or list(MUTANTS)):
        print(problem, flush=True)
        wrong += 1
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
