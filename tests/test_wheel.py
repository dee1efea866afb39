"""The wheel, installed in a fresh environment, does what the README says of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parent.parent
LIST = """\
# My list

#### A paper about things [`READ`]

paper link: [here](https://example.org/a.pdf)

```bibtex
@article{doe2020things,
  title={A paper about things},
  author={Doe, Jane},
  journal={Journal of Things},
  year={2020}
}
```
"""


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `kb` of a wheel built here; its dependencies are those of this environment, so that no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "build", "tests", "papers", "__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("readrun-*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv" / "bin" / "kb"


@pytest.mark.skipif(os.name == "nt", reason="written for a POSIX shell")
def test_a_list_becomes_a_served_site_in_an_empty_folder(kb: Path, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "KB_ROOT")}

    def run(*args: str) -> str:
        return subprocess.run([kb, *args], cwd=tmp_path, env=env, check=True, capture_output=True, text=True).stdout

    where = subprocess.run(
        [kb.parent / "python", "-c", "import catalog; print(catalog.__file__)"],
        cwd=tmp_path, env=env, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert str(kb.parent.parent) in where, "the installed code runs, not the repository's"
    (tmp_path / "list.md").write_text(LIST)
    run("init")
    assert "took 1 of 1 entry; 1 added" in run("import", "list.md")
    assert "doe2020things" in run("list", "status:read")
    serving = subprocess.Popen(
        [kb, "site", "serve", "--port", "0"],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout
        found = re.search(r"http://127\.0\.0\.1:\d+/", serving.stdout.readline())
        assert found
        with urlopen(found.group() + "papers/doe2020things.html") as answer:
            page = answer.read().decode()
        assert "A paper about things" in page
        assert "Content-Security-Policy" in page
    finally:
        serving.send_signal(signal.SIGINT)
        _, err = serving.communicate(timeout=20)
    assert "Traceback" not in err
    assert serving.returncode in (0, 130)
