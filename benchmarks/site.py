"""What the site of a collection costs to build, to build again, and to load; at several sizes.

    python benchmarks/site.py [PAPERS ...]        (default: 100 1000 5000)

Invented papers with abstracts, each with an arXiv id, a DOI or an address. CPU seconds are of the command and of what
it starts; they hardly depend on what else the machine does. "change" marks one paper read and builds again, "new" adds
one. "page" is a paper's page, and as it is sent by a server that compresses. "serve" is how much of a core the preview
takes while nothing changes. "shown" is what the browser's main thread takes from navigation to the table, "index" what
it takes to read the search index at the first key, "answer" the slowest of the queries after that; all three in CPU
time.
"""

from __future__ import annotations

import gzip
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = re.findall(
    r"\S+",
    "adaptive sparse low-rank attention transformer quantised gradient memory efficient retrieval language vision graph"
    " prompt tuning prefix contrastive diffusion policy reward bayesian kernel convex robust federated distilled",
)
GIVEN = ("Ann", "Bo", "Cy", "Dee", "Eli", "Flo", "Gus", "Hal", "Ida", "Jo", "Kim", "Lu")
FAMILY = ("Aho", "Berg", "Chen", "Diaz", "Erdős", "Fox", "Hu", "Müller", "Šimek")
VENUES = ("NeurIPS", "ICML", "ICLR", "ACL", "EMNLP", "JMLR")
IDLE = 8.0  # seconds
QUERIES = ("attention", "atention prompt", "author:chen memory", "low rank", "zorvam", "2101.00003")
ANSWERED = "() => document.querySelector('.kb-find__said').textContent || document.querySelector('.kb-find__list a')"
ASK = """(query) => {
  document.querySelector('.kb-find__said').textContent = '';
  document.querySelector('.kb-find__list').replaceChildren();
  const input = document.querySelector('.kb-find input');
  input.value = query;
  input.dispatchEvent(new Event('input'));
}"""


def entries(count: int) -> str:
    """A .bib of invented papers, the same each time."""
    chance, made = random.Random(1), []
    rare = ["".join(chance.choices(("zor", "vam", "ti", "lek", "qua", "mo", "rin", "ep"), k=4)) for _ in range(4000)]
    for n in range(count):
        where = (f"eprint = {{2101.{n:05d}}}", f"doi = {{10.1000/x.{n}}}", f"url = {{https://example.org/{n}}}")[n % 3]
        people = " and ".join(f"{chance.choice(FAMILY)}, {chance.choice(GIVEN)}" for _ in range(chance.randint(1, 6)))
        made.append(
            f"@inproceedings{{p{n}x,\n  title = {{{' '.join(chance.sample(WORDS, 6)).capitalize()} {n}}},\n"
            f"  author = {{{people}}},\n  year = {{{1990 + n % 36}}},\n  booktitle = {{{VENUES[n % 6]}}},\n  {where},\n"
            f"  abstract = {{{' '.join(chance.choices(WORDS, k=85) + chance.choices(rare, k=5))}}},\n"
            f"  keywords = {{{', '.join(chance.sample(WORDS, 2))}}}\n}}\n"
        )
    return "\n".join(made)


def cpu(root: Path, *command: str) -> float:
    """CPU seconds of a command of `kb`, with those of its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"XDG_STATE_HOME": str(root.parent / "state"), "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as it is where it is installed
    subprocess.run(
        [sys.executable, "-m", "catalog", *command], cwd=root, env=environment, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def idle(root: Path) -> float:
    """The share of a core that the preview takes while nothing changes, in percent."""
    environment = os.environ | {"XDG_STATE_HOME": str(root.parent / "state"), "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [sys.executable, "-m", "catalog", "site", "serve", "-p", "0"], cwd=root, env=environment, stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        server.stdout.readline()
        stat = Path(f"/proc/{server.pid}/stat")
        spent = [sum(map(int, stat.read_text().split()[13:15])) for _ in range(2) if not time.sleep(IDLE * _)]
        return 100 * (spent[1] - spent[0]) / os.sysconf("SC_CLK_TCK") / IDLE
    finally:
        server.terminate()
        server.wait(20)


def in_browser(site: Path) -> dict[str, str]:
    """Milliseconds of CPU of the browser's main thread; nothing where there is no browser."""
    browser = shutil.which("chromium")
    if not browser:
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(bypass_csp=True)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def spent() -> float:
            found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            return 1000 * float(found["TaskDuration"])

        def asked(query: str) -> float:
            before = spent()
            page.evaluate(ASK, query)
            page.wait_for_function(ANSWERED, timeout=120_000)
            return spent() - before

        page.goto((site / "index.html").as_uri())
        page.locator("table.kb-papers tbody tr").first.wait_for()
        table = spent()
        page.wait_for_load_state("networkidle")
        page.keyboard.press("Control+k")
        page.locator(".kb-find input").wait_for()
        index, *answers = (asked(query) for query in ("a", *QUERIES))
        return {"shown": f"{table:.0f} ms", "index": f"{index:.0f} ms", "answer": f"{max(answers):.0f} ms"}


def size(path: Path) -> int:
    """The bytes of a file, or of all in a folder."""
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())


def measure(count: int) -> dict[str, str]:
    """All numbers of one size."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "kb"
        root.mkdir()
        (root / "all.bib").write_text(entries(count), encoding="utf-8")
        cpu(root, "init", ".")
        cpu(root, "import", "all.bib")
        found = {"papers": f"{count}", "cold": f"{cpu(root, 'site', 'build'):.1f} s"}
        found["unchanged"] = f"{cpu(root, 'site', 'build'):.2f} s"
        cpu(root, "mark-read", f"p{count // 2}x")
        found["change"] = f"{cpu(root, 'site', 'build'):.2f} s"
        cpu(root, "add", "--title", "A new one", "--key", "new2026x")
        found["new"] = f"{cpu(root, 'site', 'build'):.2f} s"
        site = root / "build" / "html"
        pages = [path.read_bytes() for path in (site / "papers").glob("p*x.html")]
        sent = [len(gzip.compress(page)) for page in pages[:500]]
        found["page"] = f"{statistics.mean(map(len, pages)) / 1000:.1f} kB ({statistics.mean(sent) / 1000:.1f})"
        for name in ("index.html", "papers.js", "table", "search"):
            found[name] = f"{size(site / name) / 1000:.0f} kB"
        found["serve"] = f"{idle(root):.2f} %"
        return found | in_browser(site)


def main() -> None:
    rows = [measure(int(count)) for count in sys.argv[1:] or ("100", "1000", "5000")]
    print("| " + " | ".join(rows[0]) + " |\n|" + " --: |" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(row.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
