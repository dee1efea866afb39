"""The house: what is imported when, what is public, what stands where."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
import yaml

import catalog
from catalog import __version__
from catalog.cli import SECTIONS, commands
from catalog.cli.reference import manual, reference
from catalog.facts import STATUSES
from catalog.library import Library
from catalog.models import Status

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "mkdocs", "bibtexparser", "httpcore2", "markdown", "nh3", "pylatexenc")


def loaded_by(*args: str, cwd: Path) -> set[str]:
    """The modules that a call of `kb` has loaded when it ends."""
    code = (
        "import sys\nfrom catalog.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, cwd=cwd, check=True)
    return set(done.stderr.splitlines())


@pytest.mark.parametrize("args", [["--help"], ["list"], ["search", "x"], ["mark-read", "--help"], ["next"], ["stats"]])
def test_kb_starts_light(args: list[str], root: Path) -> None:
    loaded = loaded_by(*args, cwd=root)
    assert "catalog.cli" in loaded
    assert not {name for name in HEAVY if name in loaded}


def test_help_loads_neither_pydantic_nor_rich(root: Path) -> None:
    assert not {"pydantic", "rich", "yaml", "sqlite3"} & loaded_by("--help", cwd=root)


def test_listing_loads_no_pydantic(root: Path) -> None:
    assert "pydantic" not in loaded_by("list", cwd=root)


def test_what_catalog_offers_is_what_it_says() -> None:
    for name in catalog.__all__:
        assert getattr(catalog, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        catalog.nothing  # noqa: B018 - the access is the test


@pytest.mark.parametrize("package", ["catalog.bibtex", "catalog.pages", "catalog.ingest"])
def test_packages_offer_what_they_say(package: str) -> None:
    module = importlib.import_module(package)
    assert set(module.__all__) <= set(dir(module))


def test_each_module_says_what_it_is_for() -> None:
    for path in (ROOT / "catalog").rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path.relative_to(ROOT)


def test_what_a_module_has_for_itself_is_used() -> None:
    for path in (ROOT / "catalog").rglob("*.py"):
        text = path.read_text()
        names = re.findall(r"^(?:def |class |(?=\w+(?:: [^=]+)? = ))(_[A-Za-z]\w*)", text, re.M)
        unused = [name for name in names if len(re.findall(rf"\b{name}\b", text)) == 1]
        assert not unused, path.relative_to(ROOT)


def below(group: Mapping[str, click.Command], before: str = "") -> list[tuple[str, click.Command]]:
    found = []
    for name, command in group.items():
        found.append((f"{before}{name}", command))
        if isinstance(command, click.Group):
            found += below(command.commands, f"{before}{name} ")
    return found


@pytest.mark.parametrize(("name", "command"), below(commands()))
def test_each_command_has_help_and_stands_in_the_guide(name: str, command: click.Command) -> None:
    assert command.help, name
    assert len(command.get_short_help_str(60)) <= 60
    assert not command.get_short_help_str(60).endswith("..."), f"{name}: the first sentence is too long to be listed"
    assert f"`kb {name}`" in (ROOT / "site/guide/commands.md").read_text()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"kb {name} {parameter.opts}"


def test_the_list_of_commands_says_what_they_say() -> None:
    known = commands()
    for names in SECTIONS.values():
        for name, (module, says) in names.items():
            assert known[name].get_short_help_str(60) == says
            assert known[name] in importlib.import_module(f"catalog.cli.{module}").COMMANDS
    modules = {module for names in SECTIONS.values() for module, _ in names.values()}
    made = [one.name for module in modules for one in importlib.import_module(f"catalog.cli.{module}").COMMANDS]
    assert sorted(map(str, made)) == sorted(known)


@pytest.mark.parametrize(("args", "most"), [(["--help"], 0), (["list"], 1), (["show", "--help"], 1)])
def test_a_call_loads_no_command_but_its_own(tmp_path: Path, args: list[str], most: int) -> None:
    Library.init(tmp_path / "base")
    loaded = loaded_by(*args, cwd=tmp_path / "base")
    modules = {f"catalog.cli.{module}" for names in SECTIONS.values() for module, _ in names.values()}
    assert len(modules & loaded) == most


def test_the_pages_of_the_commands_are_as_the_commands_are() -> None:
    assert (ROOT / "site/guide/commands.md").read_text() == reference(), "run: make docs"
    assert (ROOT / "catalog/cli/kb.1").read_text() == manual(), "run: make docs"


def test_what_stands_in_several_places_is_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == __version__ == citation["version"]
    assert project["license"] == citation["license"]
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert tuple(Status) == STATUSES


def test_each_command_has_its_twin() -> None:
    twins = {
        "list": "list", "search": "search", "show": "get", "next": "next", "stats": "stats", "open": "get",
        "add": "add", "import": "import_", "edit": "edit", "mark-read": "mark_read", "mark-reading": "mark_reading",
        "mark-unread": "mark_unread", "note": "note", "tag": "tag", "link": "link", "rename": "rename", "rm": "remove",
        "export": "export_bib", "site": "build_site", "init": "init", "check": "check", "fmt": "fmt", "schema": "schema",
        "due": "due", "log": "log", "undo": "undo", "redo": "redo", "resolve": "settle",
        "impls": "cards", "demo": "demo", "verify": "verify", "bench": "bench", "trust": "trust",
        "merge-driver": "merge_files", "cite": "cite",
        "complete": "complete", "attach": "attach", "fetch": "fetch_copies", "annotations": "annotations",
        "update": "update", "duplicates": "duplicates", "merge": "merge", "split": "split", "report": "report",
        "sync": "sync", "me": "become", "queue": "queue", "rate": "rate", "similar": "like",
    }  # fmt: skip
    assert set(commands()) - set(twins) == {"completion"}
    for twin in twins.values():
        assert getattr(Library, twin).__doc__, twin


def test_constraints_hold_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for names in project["optional-dependencies"].values() for name in names]
    wanted = [name for name in project["dependencies"] + extras if not name.startswith("readrun")]
    pinned = {
        re.split("==", line)[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().split()
    }
    assert {re.split(r"[<>=\[]", name)[0].lower() for name in wanted} <= pinned


def test_the_schema_beside_the_papers_is_current() -> None:
    assert (ROOT / "catalog.schema.json").read_text() == Library.schema()


def test_our_own_papers_are_in_order() -> None:
    library = Library.open(ROOT)
    assert len(library.papers()) >= 14
    assert library.fmt(write=False) == []
    assert [str(finding) for finding in library.check() if finding.kind == "error"] == []


@pytest.mark.skipif(os.name == "nt", reason="make is not there")
def test_make_without_a_target_says_what_there_is() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make run" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="make is not there")
def test_make_run_serves_the_site_before_it_runs_a_paper() -> None:
    done = subprocess.run(["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert -1 < done.stdout.index("kb site serve") < done.stdout.index("kb demo lora") < done.stdout.index("wait $site")
