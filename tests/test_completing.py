"""Filling in what papers lack: in batches, never over what somebody wrote, on from where it was ended."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import ABSTRACT, atom, atom_entry, crossref, found
from hypothesis import given
from hypothesis import strategies as st
from services import Reply, World, running, silent, trusting
from support import Kb

from catalog.bibtex.describe import describe
from catalog.cli import updating
from catalog.ingest import wire
from catalog.ingest.draft import Draft
from catalog.library import Library
from catalog.models import Link, Paper
from catalog.sources import Client
from catalog.sources.completing import WHAT, filled
from catalog.sources.said import person, work
from catalog.text import plain


@pytest.fixture
def web(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    context = trusting()
    monkeypatch.setattr(wire, "_tls", lambda: context)
    world = running()
    there = next(world)
    client = there.client()
    monkeypatch.setattr(Library, "client", lambda *_: client)
    there.routes |= {
        "export.arxiv.org/api/query?id_list": _arxiv, "api.crossref.org/works?filter": _crossref,
        "huggingface.co/api/papers/": lambda where, _: Reply({"id": where[-10:], "githubRepo": f"https://github.com/w/{where[-3:]}"}),
    }  # fmt: skip
    yield there
    for _ in world:
        pass


def _arxiv(where: str, _: bytes) -> Reply:
    names = where.partition("id_list=")[2].partition("&")[0].split(",")
    return atom(
        *(atom_entry(name, f"Whales of kind {int(name[-4:])} in song", ["Ana Gómez", "Wei Li"]) for name in names)
    )


def _crossref(where: str, _: bytes) -> Reply:
    names = re.findall(r"doi:([^,&]+)", where)
    return Reply({"status": "ok", "message": {"items": [
        crossref(name, f"Seals of kind {name.rpartition('.')[2]} at rest", [("Ana", "Gómez")]) for name in names]}})  # fmt: skip


def _many(library: Library, whales: int, seals: int) -> None:
    text = "# Whales\n" + "".join(
        f"- [Whales of kind {n} in song](https://arxiv.org/abs/3103.{n:05})\n" for n in range(whales)
    )
    text += "# Seals\n" + "".join(
        f"- [Seals of kind {n} at rest](https://doi.org/10.5555/seal.{n})\n" for n in range(seals)
    )
    library.import_([("list.md", text.encode())])


def _whole(library: Library, web: World, whales: int, seals: int) -> None:
    """Import, complete, be ended in the middle, go on."""
    _many(library, whales, seals)
    _, batches = library.complete()
    for _ in range(2):
        next(batches)
    batches.close()
    there = [facts for facts in library.list() if facts.bibtex]
    assert 0 < len(there) < whales + seals
    library.complete(dry_run=True)
    run, batches = library.complete()
    assert not run.notes
    for _ in batches:
        pass
    papers = library.list()
    assert len(papers) == whales + seals
    assert all(facts.bibtex and plain(facts.abstract) == ABSTRACT and facts.names and facts.venue for facts in papers)
    assert all(facts.address("code") for facts in papers if facts.arxiv)
    asked = Counter(where.split("/")[0] for where in web.asked)
    assert asked["export.arxiv.org"] == -(-whales // 100)
    assert asked["api.crossref.org"] <= -(-seals // 40) + 1
    assert not [finding for finding in library.check() if finding.kind == "error"]
    before = len(web.asked)
    run, batches = library.complete()
    assert (list(batches).count([]), len(run.facts), len(web.asked)) == (0, 0, before) or len(web.asked) == before


def test_a_list_becomes_citable_in_a_few_calls_and_goes_on_where_it_was_ended(library: Library, web: World) -> None:
    _whole(library, web, 12, 60)


@pytest.mark.nightly
def test_a_thousand(library: Library, web: World) -> None:
    _whole(library, web, 800, 200)


KILLED = """
import sys
from catalog.cli import main
from catalog.ingest import wire
from catalog.library import Library
from catalog.library.services import client
from services import Clock, World, trusting
context, world, clock = trusting(), World(), Clock()
wire._tls = lambda: context
world.port = int(sys.argv[1])
def there(library, fresh=None):
    made = client(library.store, world.ask, fresh)
    made.now, made.sleep = clock.now, clock.sleep
    return made
Library.client = there
main(["complete", "--only", "bibtex", "--only", "abstract"])
"""


@pytest.mark.nightly
def test_a_run_that_is_killed_goes_on_and_asks_nothing_twice(library: Library, web: World, root: Path) -> None:
    def slowly(where: str, content: bytes) -> Reply:
        time.sleep(0.5)
        return _arxiv(where, content)

    web.routes["export.arxiv.org/api/query?id_list"] = slowly
    _many(library, 250, 80)
    paths = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[1])))
    for seconds in (2.0, 3.0, 4.0, 120.0):
        command = [sys.executable, "-c", KILLED, str(web.port)]
        running = subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, "PYTHONPATH": paths},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            running.wait(seconds)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        assert library.unreadable() == {}
    assert all(facts.bibtex and facts.abstract for facts in library.list())
    asked = Counter(where.split("/")[0] for where in web.asked)
    assert asked["api.crossref.org"] <= 2 + 3  # one that is killed while it waits asks again
    assert asked["export.arxiv.org"] <= 3 + 3


def test_the_command_shows_what_came_and_what_did_not(library: Library, web: World, kb: Kb, root: Path) -> None:
    _many(library, 2, 0)
    library.add(title="Wholly other matter of squid", links=["https://arxiv.org/abs/3103.00007"], key="squid")
    diff = kb("complete", "--dry-run", "key:whales-kind-song")
    assert "+abstract: We sort whales by song." in diff.out
    assert "bibtex" not in (root / "papers" / "whales-kind-song.md").read_text()
    done = kb("complete", "--only", "bibtex", "--only", "abstract")
    assert done.status == 0
    assert "whales-kind-song: bibtex" in done.out
    assert "kb: squid: arxiv:3103.00007 is “Whales of kind 7 in song”; not taken" in done.err
    assert done.err.endswith("completed 2 of 3 papers that lacked something\n")
    assert kb("undo").status == 0
    assert not library.get("whales-kind-song").bibtex
    web.over = Reply("later", 429)
    busy = kb("complete", "--only", "code", "--only", "bibtex")
    assert busy.status == 1
    assert "kb: Hugging Face is busy (429)" in busy.err


@pytest.mark.parametrize(("verb", "said"), [("complete", "completed 0 of 2 papers"), ("update", "looked at 2 papers")])
def test_where_nobody_can_be_asked_it_is_said_and_the_status_is_1(
    verb: str, said: str, library: Library, kb: Kb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Library, "client", lambda *_, **__: Client(silent))
    library.add(title="Whales of kind 1", links=["https://arxiv.org/abs/3103.00001"])
    library.add(title="A title alone")
    done = kb(verb)
    assert (done.status, "kb: there is no network" in done.err) == (1, True)
    assert said in done.err
    assert "not asked about" in done.err
    done = kb(verb, "--json")
    assert (done.status, bool(json.loads(done.out)["unasked"])) == (1, True)
    fetched = kb("fetch")
    assert fetched.status == 1
    assert fetched.err.endswith("kb: there is no network: there is no host\n")


def test_a_paper_that_was_made_of_an_identifier_alone_gets_a_key_of_the_usual_form(
    library: Library, web: World, kb: Kb, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = found(web)

    with monkeypatch.context() as patch:
        patch.setattr(Library, "client", lambda *_: Client(silent))
        done = kb("add", *(names[name] for name in ("arxiv", "doi", "page", "github", "openalex")))
    assert done.err == "kb: there is no network: there is no host; `kb complete` fills in what is missing\n"
    assert "; `kb complete key:arxiv-3103.00001` fills in" in kb("add", names["arxiv"]).out
    library.add(title="A note", links=["https://x.example/a"], key="mine", notes="as in [it](arxiv-3103.00001.md)")
    done = kb("complete")
    assert "doi-10.5555-whale.1 is gomez2031sorting now; the old key finds it, too" in done.out
    keys = {facts.key for facts in library.list()}
    assert not any(key.startswith(("arxiv-", "doi-", "whales.example", "github-", "openalex-")) for key in keys)
    key = library.resolve("arxiv-3103.00001")
    assert key.startswith("gomez2031")
    assert f"as in [it]({key}.md)" in (root / "papers" / "mine.md").read_text()
    assert f"@misc{{{key}," in library.get(key).bibtex
    assert library.get(library.resolve("github-whales-song")).heading == "Whales as Software"
    assert kb("complete", "--dry-run", f"key:{key}").status == 0
    assert [one for one in library.check() if one.kind == "error"] == []


def test_what_takes_long_is_said(library: Library, web: World, kb: Kb) -> None:
    _many(library, 80, 0)
    web.routes["huggingface.co/api/papers/"] = Reply({}, 404)
    assert "asking for the code of 80 papers at Hugging Face (about 1 minute); ended in between" in kb("complete").err


BROUGHT = work(
    "Crossref", title="A title of the service", names=[person("Roe", "Ann")], date="2030-02", venue="Journal of Services",
    kind="article", ids={"doi": "10.5555/a", "pmid": "77"}, summary="The service's abstract.",
    places=[("pdf", "https://x.example/p.pdf"), ("code", "https://github.com/a/b")],
)  # fmt: skip
TEXTS = st.sampled_from(["", "Mine"])


@given(title=TEXTS, venue=TEXTS, abstract=TEXTS, year=st.sampled_from([0, 1999]), authors=st.sampled_from([(), ("Me Myself",)]),
       bibtex=st.sampled_from(["", "@misc{k, title = {Own}, note = {x}}"]), notes=TEXTS,
       ids=st.sampled_from([{}, {"doi": "10.1/mine"}, {"arxiv": "2106.09685"}]), code=st.booleans())  # fmt: skip
def test_nothing_that_was_written_changes(title, venue, abstract, year, authors, bibtex, notes, ids, code) -> None:
    links = (Link(name="code", url="https://github.com/my/own"),) if code else ()
    paper = Paper(key="k", title=title, venue=venue, abstract=abstract, year=year, authors=authors, bibtex=bibtex, notes=notes,
                  ids=ids, links=links)  # fmt: skip
    after = filled(paper, BROUGHT, ("bibtex", "authors", "venue", "year", "abstract", "ids", "code"))
    for name in Paper.model_fields:
        mine = getattr(paper, name)
        now = getattr(after, name)
        assert (
            not mine
            or now == mine
            or (name == "ids" and mine.items() <= now.items())
            or (name == "links" and set(mine) <= set(now))
        )
    facts = describe(after)
    assert facts.names
    assert facts.venue
    assert plain(facts.abstract)
    assert filled(after, BROUGHT, ("bibtex", "authors", "venue", "year", "abstract", "ids", "code")) == after


def test_what_can_be_chosen_is_what_there_is() -> None:
    assert updating._WHAT == WHAT


def test_a_title_that_the_entry_says_too_stands_once() -> None:
    paper = Paper(key="k", title="A title of the service")
    assert filled(paper, BROUGHT, ("bibtex",)).title == ""
    assert filled(paper.evolve(title="My own title"), BROUGHT, ("bibtex",)).title == "My own title"
    assert filled(paper, Draft(), ("bibtex",)) == paper
