"""The package without its extras, and beside another package called `catalog`."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from catalog import Library
from catalog.cli import picker
from catalog.errors import KbError
from catalog.extras import EXTRAS

ROOT = Path(__file__).parent.parent
WITHOUT = """\
import sys
for name in {names!r}:
    sys.modules[name] = None
import importlib.util
there = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {names!r} else there(name, *rest)
from catalog.cli import main
main({args!r})
"""


def run(root: Path, *args: str, without: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    code = WITHOUT.format(names=without, args=["--root", str(root), *args])
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = Library.init(tmp_path_factory.mktemp("kb"))
    library.add("@article{doe2020things, title={Of things}, author={Doe, Jane}, journal={J}, year={2020}}")
    return library.root


def test_each_module_comes_with_its_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    made_of = packages_distributions()
    for extra, modules in EXTRAS.items():
        wanted = {re.split(r"[<>=\[ ]", line)[0] for line in project["optional-dependencies"][extra]} | {
            "markupsafe"
        }  # which comes with jinja2
        brought = {name.lower().replace("_", "-") for module in modules for name in made_of.get(module, [module])}
        assert brought <= wanted, extra


def test_what_is_imported_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in EXTRAS)]
    wanted = {re.split(r"[<>=\[ ]", line)[0] for lines in asked for line in lines} | {"markupsafe"}
    made_of = packages_distributions()
    own = {"catalog", "refimpl", *sys.stdlib_module_names}
    for path in (ROOT / "catalog").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
        for name in {one.partition(".")[0] for one in names} - own:
            brought = {one.lower().replace("_", "-") for one in made_of.get(name, [name])}
            assert brought & wanted, f"{path.relative_to(ROOT)}: {name}"


@pytest.mark.parametrize(
    "args", [("list",), ("search", "things"), ("check",), ("export", "bib"), ("cite", "doe2020things")]
)
def test_lists_are_kept_without_any_extra(folder: Path, args: tuple[str, ...]) -> None:
    done = run(folder, *args, without=tuple(name for modules in EXTRAS.values() for name in modules))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize(
    ("args", "extra"), [(("site", "build"), "site"), (("demo", "lora"), "run"), (("search", "--like", "x"), "semantic")]
)
def test_what_is_missing_is_one_line(folder: Path, args: tuple[str, ...], extra: str) -> None:
    done = run(folder, *args, without=EXTRAS[extra])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(f"pip install 'readrun[{extra}]'"), done.stderr


def test_another_catalog_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "__init__.py").write_text("raise SystemExit('somebody else ran')\n")
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    script = f"import runpy; runpy.run_path({str(ROOT / 'readrun.py')!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        f"kb: {tmp_path / 'catalog'} is another package called catalog and stands before readrun's; "
        "run kb from another folder, or without PYTHONPATH\n"
    )


def test_choosing_from_a_list_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picker, "can_ask", lambda: True)
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    with pytest.raises(KbError, match=r"pip install 'readrun\[pick\]'"):
        picker.pick(lambda _: [])
    assert not picker.can_pick()
