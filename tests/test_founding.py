"""What `kb init` writes: what git should not see, and what checks and publishes a knowledge base on GitHub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from packaging.requirements import Requirement

from catalog import Library, __version__
from catalog.cli import cli
from catalog.errors import KbError

ENTRY = """@article{doe2020things,
  title={Of things},
  author={Doe, Jane},
  journal={Journal of Things},
  year={2020}
}"""
KB = Path(sys.executable).parent / "kb"


def test_a_title_is_one_that_can_be_read_again(tmp_path: Path) -> None:
    assert Library.init(tmp_path / "good", "a \"b\" \\ # '''").store.config.title == "a \"b\" \\ # '''"
    for title in ("a\x7fb", "a" * 201, "a\nb", "\x1b[31m", "\ud800"):
        with pytest.raises(KbError, match="is not a title; at most 200 characters on one line"):
            Library.init(tmp_path / "bad", title)
    assert not (tmp_path / "bad").exists()


def test_git_does_not_see_what_is_built(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pdf\n/build")
    Library.init(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "*.pdf\n/build\n.kb/\n"


def test_what_is_there_on_github_stays(tmp_path: Path) -> None:
    library = Library.init(tmp_path)
    (tmp_path / ".pre-commit-config.yaml").write_text("repos: []\n")
    assert library.on_github() == ([".github/workflows/papers.yml"], [".pre-commit-config.yaml"])
    assert (tmp_path / ".pre-commit-config.yaml").read_text() == "repos: []\n"
    assert library.on_github()[0] == []


def test_below_the_root_of_a_repository_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    library = Library.init(tmp_path / "papers-of-mine")
    with pytest.raises(KbError, match="root of a repository"):
        library.on_github()


def test_findings_are_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "r"
    Library.init(repository / "a,b")
    (repository / "a,b" / "papers" / "x.md").write_text("---\ntitle: 50%: a\nstatus: reed\n---\n")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(repository))
    done = CliRunner().invoke(cli, ["--root", str(repository / "a,b"), "check", "--format", "github"])
    lines = done.stdout.splitlines()
    assert done.exit_code == 1
    assert lines
    assert all(re.fullmatch(r"::error file=a%2Cb/papers/x\.md(,line=\d+)?::[^\r\n]+", line) for line in lines), lines
    assert "50%:" not in done.stdout


def test_the_steps_of_the_workflow_run(tmp_path: Path) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    library = Library.init(origin, "My papers")
    library.on_github()
    library.add(ENTRY, links=["https://arxiv.org/abs/2106.09685"])
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=origin, check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(clone)], check=True)
    workflow = yaml.safe_load((clone / ".github/workflows/papers.yml").read_text())
    wanted = Requirement(workflow["env"]["READRUN"])
    assert (wanted.name, wanted.extras, wanted.specifier.contains(__version__)) == ("readrun", {"site"}, True)
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    assert wanted.extras <= set(project["optional-dependencies"])
    commands = [step["run"] for step in workflow["jobs"]["check-and-build"]["steps"] if "run" in step]
    assert commands.pop(0) == 'python -m pip install --quiet "$READRUN"'
    env = os.environ | {"PATH": f"{KB.parent}:{os.environ['PATH']}", "SITE_URL": "https://me.example.org/papers"}
    for command in commands:
        done = subprocess.run(["bash", "-e", "-c", command], cwd=clone, env=env, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (
        "https://me.example.org/papers/papers/doe2020things.html"
        in (clone / "build/html/sitemap-pages.xml").read_text()
    )
    seen = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert seen.stdout == ""


def test_the_hooks_of_pre_commit_look_at_papers(tmp_path: Path) -> None:
    Library.init(tmp_path).on_github()
    (local,) = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["repos"]
    assert [hook["entry"] for hook in local["hooks"]] == ["kb check", "kb fmt --check"]
    assert all(re.search(hook["files"], "papers/hu2021lora.md") for hook in local["hooks"])
    assert not any(re.search(hook["files"], "README.md") for hook in local["hooks"])
