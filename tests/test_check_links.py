"""Checking links with a network that is made up."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

from catalog.check.links import AT_ONCE, STRIKES, check_links
from catalog.check.sheet import Sheet
from catalog.check.sheet import sheets as read
from catalog.errors import Finding
from catalog.ingest.fetch import Answer, NoAnswer, Reason
from catalog.models import Link, Paper
from catalog.paperfile import dumps
from catalog.store import Store


class Web:
    """Answers by address: a status, a reason for no answer, or an answer; everything else is there."""

    def __init__(self, answers: dict[str, int | Reason | Answer], delay: float = 0.0) -> None:
        self.answers, self.delay = answers, delay
        self.asked: list[tuple[str, str]] = []
        self.running: defaultdict[str, int] = defaultdict(int)
        self.most = self.most_a_host = 0
        self.lock = threading.Lock()

    def __call__(self, url: str, *, accept: str = "", method: str = "GET") -> Answer:
        host = url.split("/")[2]
        with self.lock:
            self.asked.append((method, url + accept))
            self.running[host] += 1
            self.most = max(self.most, sum(self.running.values()))
            self.most_a_host = max(self.most_a_host, self.running[host])
        time.sleep(self.delay)
        with self.lock:
            self.running[host] -= 1
        answer = self.answers.get(url, 200)
        if isinstance(answer, str):
            raise NoAnswer(answer, f"{host}: {answer}")
        return answer if isinstance(answer, Answer) else Answer(answer, url)


def sheets(root: Path, *urls: str, **fields: str) -> tuple[Sheet, ...]:
    links = tuple(Link(name="paper", url=url) for url in urls)
    (root / "papers").mkdir(exist_ok=True)
    (root / "kb.toml").touch()
    paper = Paper.model_validate({"key": "doe", "links": links, "title": "T"} | fields)
    (root / "papers/doe.md").write_text(dumps(paper), "utf-8")
    store = Store(root)
    return tuple(read(store, sorted(store.names())))


def found(root: Path, web: Web, *urls: str, seconds: float = 30, **fields: str) -> list[Finding]:
    return check_links(sheets(root, *urls, **fields), web, seconds=seconds, pause=0)


GOOD = "https://good.org/"
URL = "https://example.org/a"


@pytest.mark.parametrize(
    ("answer", "code", "kind"),
    [
        (404, "link-gone", "error"), (410, "link-gone", "error"), ("no-host", "link-gone", "error"),
        ("certificate", "link-gone", "error"), (401, "link-unchecked", "note"), (403, "link-unchecked", "note"),
        (405, "link-unchecked", "note"), (429, "link-unchecked", "note"), (500, "link-unchecked", "note"),
        (503, "link-unchecked", "note"), ("timeout", "link-unchecked", "note"), ("private", "link-unchecked", "note"),
        ("connection", "link-unchecked", "note"), ("redirects", "link-unchecked", "note"),
        (Answer(200, "https://new.org/", moved="https://new.org/"), "link-moved", "note"),
    ],
)  # fmt: skip
def test_what_is_an_error_and_what_is_not(tmp_path: Path, answer: int | Reason | Answer, code: str, kind: str) -> None:
    (finding,) = found(tmp_path, Web({URL: answer}), GOOD, URL)
    assert (finding.code, finding.kind, finding.path) == (code, kind, "papers/doe.md")
    assert (tmp_path / finding.path).read_text("utf-8").split("\n")[finding.line - 1].strip() == f"- {URL}"


def test_good_links_are_asked_once_by_head_whatever_their_fragment(tmp_path: Path) -> None:
    web = Web({})
    notes = f"[a]({URL}#one) [b]({URL}#two) `[c](https://code.org/)` [d](other.md) [e](mailto:a@example.org)"
    assert found(tmp_path, web, URL, notes=notes) == []
    assert web.asked == [("HEAD", URL)]


def test_a_host_that_refuses_head_is_asked_by_get(tmp_path: Path) -> None:
    class Picky(Web):
        def __call__(self, url: str, *, accept: str = "", method: str = "GET") -> Answer:
            answer = super().__call__(url, accept=accept, method=method)
            return Answer(405 if method == "HEAD" else 200, answer.url)

    web = Picky({})
    assert found(tmp_path, web, URL) == []
    assert web.asked == [("HEAD", URL), ("GET", URL)]


def test_bibtex_and_notes_are_asked_too(tmp_path: Path) -> None:
    entry = "@misc{doe,\n  title = {T},\n  url = {https://example.org/u\\_v},\n  doi = {10.1234/x}\n}"
    answers: dict[str, int | Reason | Answer] = {
        "https://example.org/u_v": 404, "https://doi.org/10.1234/x": 404, "https://example.org/n": 404
    }  # fmt: skip
    result = found(tmp_path, Web(answers), bibtex=entry, notes="\n\n[n](https://example.org/n)", title="")
    assert [finding.line for finding in result] == [8, 9, 13]


def test_a_doi_whose_publisher_turns_us_away_is_right(tmp_path: Path) -> None:
    doi = "https://doi.org/10.1234/x"
    assert (
        found(tmp_path, Web({doi: Answer(403, "https://publisher.org/x", moved="https://publisher.org/x")}), doi) == []
    )
    assert [f.code for f in found(tmp_path, Web({doi: 403}), doi)] == ["link-unchecked"]


def test_at_most_eight_at_a_time_and_one_a_host(tmp_path: Path) -> None:
    urls = [f"https://host{host}.org/{page}" for host in range(12) for page in range(2)]
    web = Web({}, delay=0.02)
    assert found(tmp_path, web, *urls) == []
    assert web.most_a_host == 1
    assert 1 < web.most <= AT_ONCE
    assert len(web.asked) == len(urls)


def test_what_there_was_no_time_for_is_said(tmp_path: Path) -> None:
    urls = [f"https://example.org/{page}" for page in range(40)]
    start = time.monotonic()
    result = found(tmp_path, Web({}, delay=0.1), *urls, seconds=0.5)
    assert time.monotonic() - start < 5
    assert 30 < len(result) < 40
    assert {(f.code, f.kind) for f in result} == {("link-unchecked", "note")}
    assert "no time" in result[0].message


def test_a_dead_host_is_not_asked_again_and_again(tmp_path: Path) -> None:
    urls = [f"https://example.org/{page}" for page in range(20)]
    web = Web(dict.fromkeys(urls, "timeout"))
    assert len(found(tmp_path, web, *urls, GOOD)) == 20
    assert len(web.asked) == STRIKES + 1
    gone = Web(dict.fromkeys(urls, "no-host"))
    assert {f.kind for f in found(tmp_path, gone, *urls, GOOD)} == {"error"}
    assert len(gone.asked) == 2


def test_without_a_network_nothing_is_called_dead(tmp_path: Path) -> None:
    urls = ["https://a.org/", "https://b.org/"]
    assert {f.kind for f in found(tmp_path, Web(dict.fromkeys(urls, "no-host")), *urls)} == {"note"}


def test_a_fetch_that_breaks_does_not_end_the_check(tmp_path: Path) -> None:
    class Broken(Web):
        def __call__(self, url: str, *, accept: str = "", method: str = "GET") -> Answer:
            if "bad" in url:
                raise ValueError("odd server")
            return super().__call__(url, accept=accept, method=method)

    result = found(tmp_path, Broken({URL: 404}), "https://bad.org/", URL)
    assert sorted(f.code for f in result) == ["link-gone", "link-unchecked"]


def test_no_links_no_questions(tmp_path: Path) -> None:
    web = Web({})
    assert found(tmp_path, web) == []
    assert web.asked == []
