"""What a clone brings is not obeyed before its user has agreed to it, and what it changes afterwards neither."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from support import Kb

from catalog.errors import KbError
from catalog.library import Library
from catalog.pages.assembly import build
from catalog.pages.builder import BASE, OWN, SAFE, left_out, prepare
from catalog.pages.options import SiteOptions
from catalog.pages.policy import policy, reference
from catalog.pages.settings import obeyed
from catalog.trust import contact, distrust, is_trusted, trust

HOSTILE = f"""\
INHERIT: {BASE}
site_name: Mine <script>alert(1)</script>
nav:
  - Papers: index.md
  - Guide: guide.md
  - Elsewhere: https://example.org/
hooks:
  - hook.py
theme:
  custom_dir: overrides
  language: en
  features: [navigation.top]
extra:
  x: !!python/object/apply:os.system ["touch fired-tag"]
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own folder, where agreements are remembered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def clone(root: Path) -> Path:
    """A knowledge base with a configuration that runs code in three ways."""
    (root / OWN).write_text(HOSTILE)
    (root / "hook.py").write_text(f"open({str(root / 'fired-hook')!r}, 'w').close()\n")
    (root / "overrides").mkdir()
    (root / "overrides" / "main.html").write_text(
        '{% extends "base.html" %}{{ "".__class__.__mro__[1].__subclasses__() }}<script>alert(2)</script>'
    )
    (root / "site").mkdir()
    (root / "site" / "guide.md").write_text("# Guide\n")
    return root


def test_a_site_is_built_without_what_may_run(clone: Path, kb: Kb) -> None:
    done = kb("site", "build")
    assert done.status == 0, done.err
    assert (
        "mkdocs.yml: left out, as it may run code here: hooks, theme.custom_dir, extra; look at it, then `kb trust`"
        in done.err
    )
    assert not list(clone.glob("fired*"))
    home = (clone / "build/html/index.html").read_text()
    assert "Guide" in home
    assert "https://example.org/" in home
    assert "<script>alert" not in home


def test_agreeing_is_for_what_is_there_now(clone: Path, home: Path) -> None:
    library = Library.open(clone)
    assert not is_trusted(clone)
    assert library.trust() == 4  # kb.toml, mkdocs.yml, the hook, the template
    assert is_trusted(clone)
    assert library.left_out() == []
    assert not any(clone in path.parents for path in home.rglob("*"))
    for path, text in ((clone / "hook.py", "evil"), (clone / "overrides/new.html", "x"), (clone / "more.py", "x")):
        before = path.read_text() if path.exists() else None
        path.write_text(text)
        assert not is_trusted(clone), path
        path.write_text(before) if before is not None else path.unlink()
        assert is_trusted(clone), path
    assert distrust(clone)
    assert not is_trusted(clone)
    assert not distrust(clone)


@pytest.mark.parametrize(
    "place", [".cfg/hook.py", "overrides/part.txt", "overrides/deep/part", ".cfg/deep/inherited.yml"]
)
def test_whatever_may_take_part_is_looked_at(place: str, clone: Path) -> None:
    (clone / place).parent.mkdir(parents=True, exist_ok=True)
    (clone / place).write_text("as agreed to")
    trust(clone)
    (clone / place).write_text("as it came later")
    assert not is_trusted(clone)


@pytest.mark.parametrize("place", ["build/hook.py", "env/x/hook.py", "sub/__pycache__/hook.py"])
def test_what_tools_write_cannot_be_agreed_to(place: str, clone: Path) -> None:
    (clone / place).parent.mkdir(parents=True, exist_ok=True)
    (clone / place).touch()
    (clone / "env").mkdir(exist_ok=True)
    (clone / "env" / "pyvenv.cfg").touch()
    trust(clone)
    (clone / OWN).write_text(HOSTILE.replace("hook.py", place))
    with pytest.raises(KbError, match="where tools write"):
        trust(clone)


def test_a_paper_changes_nothing_of_it(clone: Path, library: Library) -> None:
    trust(clone)
    library.add(title="New", key="new")
    assert is_trusted(clone)


def test_it_is_for_one_folder(clone: Path, tmp_path: Path) -> None:
    import shutil

    trust(clone)
    shutil.copytree(clone, tmp_path / "other")
    assert not is_trusted(tmp_path / "other")


def test_what_is_agreed_to_is_used(clone: Path) -> None:
    options = SiteOptions()
    assert prepare(clone, {"index.md": "x"}, {}, options) == clone / SAFE
    assert prepare(clone, {"index.md": "x"}, {}, SiteOptions(trusted=True)) == clone / OWN


def test_the_command_and_back(clone: Path, kb: Kb) -> None:
    assert "trusted: 4 files of code" in kb("trust").out
    assert is_trusted(clone)
    assert kb("trust", "--forget").out == "forgotten\n"
    assert kb("trust", "--forget").out == "nothing was agreed to\n"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_nobody_vouches_for_a_folder_elsewhere(clone: Path, tmp_path: Path) -> None:
    (clone / "lib").symlink_to(tmp_path)
    with pytest.raises(KbError, match="is a link to a folder"):
        trust(clone)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("folder", ["build", "build/docs", "build/html", "build/preview"])
def test_a_build_folder_that_leads_out_is_refused(folder: str, root: Path, kb: Kb, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "thesis.md").write_text("mine")
    (victim / ".readrun-pages.json").write_text('["thesis.md"]')
    (root / folder).parent.mkdir(exist_ok=True)
    (root / folder).symlink_to(victim)
    done = kb("site", "build")
    assert (done.status, "is a link; remove it" in done.err) == (1, True)
    assert {path.name for path in victim.iterdir()} == {"thesis.md", ".readrun-pages.json"}


@pytest.mark.parametrize(
    "line",
    ["plugins: [x]", "markdown_extensions: [x]", "extra_javascript: [x.js]", "copyright: <b>x</b>", "docs_dir: /",
     "site_dir: ..", "watch: [/]", "theme:\n  name: other", "theme:\n  logo: ../../x", "nav:\n  - ../../etc/passwd",
     "nav:\n  - X: javascript:alert(1)", "nav:\n  - X: /etc/passwd.md", "site_url: javascript:x", "repo_url: 'https://x\"'",
     "theme:\n  features: ['<script>']", "site_name: [x]", "edit_uri: x", "dev_addr: x", "nav: &a [*a]", "[", "x: " + "[" * 50_000,
     "theme:\n  palette:\n    - scheme: '\">'", "strict: false"],
)  # fmt: skip
def test_settings_that_are_left_out(line: str) -> None:
    safe, names = obeyed(f"INHERIT: {BASE}\n{line}\n".encode())
    assert safe in ({}, {"theme": {}})
    assert len(names) == 1


def test_settings_that_are_obeyed() -> None:
    body = (Path(__file__).parent.parent / OWN).read_bytes()
    assert obeyed(body) == ({name: value for name, value in yaml.safe_load(body).items() if name != "INHERIT"}, [])
    safe, names = obeyed(
        b"site_name: A & <b>\nrepo_url: https://example.org/x\ntheme:\n  name: material\n  palette: {scheme: slate}\n"
    )
    assert names == []
    assert safe["theme"] == {"palette": {"scheme": "slate"}}
    assert "<" not in safe["site_name"]


def test_another_mkdocs_yml_is_nothing_to_say(root: Path) -> None:
    (root / OWN).write_text("hooks: [x.py]\n")
    assert left_out(root) == []


def digest(script: str) -> str:
    """How a policy names a script."""
    return re.findall("'sha256-[^']+'", policy(f"<script>{script}</script>"))[0]


def test_the_scripts_of_pages_are_those_of_the_theme(tmp_path: Path) -> None:
    """Every script of a page that is built, whatever its settings, has its hash; one in a setting has none."""
    address = "https://example.org/a/b/"
    options = SiteOptions(title='</title><script>alert("t")</script>', url=address)
    site = build(tmp_path, {"index.md": "# x", "papers/a.md": "# a", "guide/deep.md": "# d"}, options)
    allowed = policy(reference(site, options), address)
    for page in site.rglob("*.html"):
        for script in re.findall(r"<script>(.*?)</script>", page.read_text(), re.S):
            assert digest(script) in allowed, page
    assert digest('alert("t")') not in allowed


@pytest.mark.parametrize(
    ("link", "says"),
    [("../../../../etc/passwd", "leads out"), ("evil.desktop", "no file that is read"), ("../papers/run.sh", "no file"),
     ("gone.pdf", "no file"), ("out.pdf", "leads out"), ("good.pdf", ""), ("mailto:a@example.org", "")],
)  # fmt: skip
def test_open_stays_inside(link: str, says: str, root: Path, kb: Kb) -> None:
    (root / "papers" / "a.md").write_text(f"---\ntitle: A\nstatus: unread\nlinks:\n  paper: {link}\n---\n")
    for name in ("evil.desktop", "run.sh", "good.pdf"):
        (root / "papers" / name).touch()
    (root / "papers" / "out.pdf").symlink_to("/etc/passwd")
    done = kb("open", "a", "--print")
    assert (done.status, says in done.err) == (1 if says else 0, True)


def test_the_git_identity_is_told_to_nobody_before_it_is_agreed_to(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone / "gitconfig").write_text("[user]\nemail = ana@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(clone / "gitconfig"))
    assert contact(clone, "a@example.org") == "a@example.org"
    assert contact(clone, "git") == ""
    trust(clone)
    assert contact(clone, "git") == "ana@example.org"
    (clone / "gitconfig").write_text("[user]\nemail = a\\nb@example.org\n")
    assert contact(clone, "git") == ""
