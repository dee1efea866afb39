"""Every source in its documented form, and on its bad days; served with TLS by this machine."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import ABSTRACT, CHANGED, MISSING, atom, atom_entry, atom_error, crossref, found, not_found, openalex, page
from services import UNKNOWN, Reply, World, running, silent, trusting
from support import Kb

from catalog.errors import KbError
from catalog.ingest import wire
from catalog.ingest.fetch import Answer, NoAnswer
from catalog.library import Library
from catalog.sources import Client, NotFound, Unavailable, dblp, huggingface, look_up, recognise, sources
from catalog.sources import client as client_
from catalog.sources.memory import Kept, Memory
from catalog.sources.said import facts_of
from catalog.text import plain

NAMES = ("arxiv", "doi", "openalex", "acl", "openreview", "pmid", "isbn", "s2", "dblp", "github", "page")


@pytest.fixture(scope="module")
def one_world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name, raising=False)
        context = trusting()
        patch.setattr(wire, "_tls", lambda: context)
        yield from running()


@pytest.fixture
def world(one_world: World) -> World:
    one_world.routes.clear()
    one_world.asked.clear()
    one_world.agents.clear()
    one_world.over = None
    return one_world


def looked_up(what: str, client: Client):
    known = recognise(what)
    assert known, what
    return look_up(known, client)


TITLES = {
    "arxiv": "Sorting Whales by α-Song & Sea", "doi": "Sorting Whales, Again", "openalex": "Whales in Open Water",
    "acl": "Sorting Whales in Context", "openreview": "Whales Under Review", "pmid": "Whales and their health",
    "isbn": "Whales: a field guide", "s2": "Whales Seen by Machines", "dblp": "Whales in a Bibliography",
    "github": "Whales as Software", "page": "Whales on a Page",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_paper_that_is_found(world: World, name: str) -> None:
    what = found(world)[name]
    facts = facts_of(looked_up(what, world.client()))
    assert facts.heading == TITLES[name]
    assert facts.names[0].family == "Gómez"
    assert facts.year in (2024, 2031)
    assert facts.venue
    if name not in ("isbn", "dblp", "github", "pmid"):
        assert plain(facts.abstract) == ABSTRACT
    known = recognise(what)
    assert known
    assert name in ("openalex", "github", "page") or facts.id(name) == known.name


def test_what_the_publisher_says_stays_to_the_letter(world: World) -> None:
    names = found(world)
    draft = looked_up(names["doi"], world.client())
    assert "title={Sorting Whales, Again}, volume={12}, url={http://dx.doi.org/10.5555/whale.1}" in draft.bibtex
    assert draft.bibtex.startswith("@article{, ")
    assert (draft.title, draft.authors, draft.venue, draft.ids) == ("", (), "", {"issn": "1234-5679"})
    assert draft.abstract == ABSTRACT
    assert [(link.name, link.url) for link in draft.links] == [("pdf", "https://whales.example/w.pdf")]
    arxiv = looked_up(names["arxiv"], world.client())
    assert "archivePrefix = {arXiv}" in arxiv.bibtex
    assert "primaryClass = {cs.SD}" in arxiv.bibtex
    assert [(link.name, link.url) for link in arxiv.links] == [("code", "https://github.com/whales/song")]
    assert "by kb, from OpenAlex" in looked_up(names["openalex"], world.client()).bibtex
    assert "PMC7654321" in dict(looked_up(names["pmid"], world.client()).ids).values()
    assert looked_up("PMC7654321", world.client()).abstract == "Background: Whales are ill. Results: Now well."


@pytest.mark.parametrize("name", NAMES)
def test_a_paper_that_is_not_found(world: World, name: str) -> None:
    found(world)
    not_found(world)
    with pytest.raises(NotFound) as caught:
        looked_up(MISSING[name], world.client())
    assert "\n" not in str(caught.value)


HTML = Reply("<!DOCTYPE html><html><head><title>Sorry</title></head><body>We are busy</body></html>", kind="text/html")
FAULTS = {
    "busy": (Reply("Too Many Requests", 429), "busy"),
    "busy for long": (Reply("Rate exceeded.", 429, headers={"Retry-After": "900"}), "busy"),
    "busy for a while": (Reply("Rate exceeded.", 429, headers={"Retry-After": "3"}), "busy"),
    "down": (Reply("", 503), "busy"),
    "broken": (Reply("oops", 500), "answered 500"),
    "refused": (Reply("no", 403), "refuses"),
    "a page": (HTML, "a page|no BibTeX|not a BibTeX|says of no paper|form that kb|not known"),
    "half": (dataclasses.replace(HTML, fault="half", body="x" * 4000), "could not be asked"),
    "drip": (dataclasses.replace(HTML, fault="drip", body="x" * 4000), "did not answer within"),
    "nothing": (Reply(b"", kind="application/json"), "nothing|no BibTeX|not a BibTeX|says of no paper|form that kb|not known"),
    "changed": (Reply(CHANGED, kind="application/json"), "form that kb|no BibTeX|not a BibTeX|XML|says of no paper|not known"),
    "inside": (Reply(b"", 302, headers={"Location": "https://10.0.0.1/x"}), "could not be asked"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_day_is_one_line_and_nothing_half_done(
    world: World, name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = found(world)[name]
    monkeypatch.setattr(client_, "TIMEOUT", 0.25 if fault == "drip" else 5.0)
    world.over, says = FAULTS[fault]
    ask = world.ask
    if fault == "inside":

        def ask(url: str, **options: object) -> object:
            try:
                return world.ask(url, **options)
            except NoAnswer as e:
                raise NoAnswer("private", "10.0.0.1 is on this machine or in a private network") from e

    client = world.client()
    client.fetch = ask
    begun = time.monotonic()
    with pytest.raises((Unavailable, NotFound), match=says) as caught:
        looked_up(what, client)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begun < 3
    asked = len(world.asked)
    assert asked <= 8
    with pytest.raises(KbError):
        looked_up(what, client)
    if "busy" in fault or fault == "down":
        assert len(world.asked) == asked, "a host that is busy is not asked again"
    if fault == "busy for a while":
        assert client.sleep.__self__.slept >= 3


@pytest.mark.parametrize("name", ["doi", "acl", "page"])
def test_a_charset_that_is_wrong(world: World, name: str) -> None:
    what = found(world)[name]
    for start, route in list(world.routes.items()):
        if isinstance(route, Reply):
            world.routes[start] = dataclasses.replace(route, kind=route.media().split(";")[0] + "; charset=iso-8859-1")
    if name == "page":
        world.routes["whales.example/article/7"] = Reply(
            page().replace("…", "").encode("latin-1"), kind="text/html; charset=iso-8859-1"
        )
    assert facts_of(looked_up(what, world.client())).names[0].family == "Gómez"


def test_an_id_that_arxiv_calls_malformed_is_not_known(world: World) -> None:
    world.routes["export.arxiv.org/"] = atom_error()
    with pytest.raises(NotFound):
        looked_up("3103.00001", world.client())


def test_arxiv_s_pages_stand_in_for_its_api(world: World) -> None:
    world.routes["export.arxiv.org/"] = Reply("Rate exceeded.", 429)
    world.routes["arxiv.org/bibtex/3103.00001"] = Reply(
        "@misc{x2031, title={Whales}, eprint={3103.00001}, archivePrefix={arXiv}}"
    )
    assert facts_of(looked_up("3103.00001", world.client())).heading == "Whales"


def test_a_doi_of_datacite(world: World) -> None:
    attributes = {
        "doi": "10.5281/zenodo.77", "titles": [{"title": "Songs of Whales"}], "publisher": "Zenodo", "publicationYear": 2031,
        "creators": [{"name": "Gómez, Ana María", "nameType": "Personal", "givenName": "Ana María", "familyName": "Gómez"}],
        "types": {"resourceTypeGeneral": "Dataset", "bibtex": "misc"}, "dates": [{"date": "2031-02-03", "dateType": "Issued"}],
        "descriptions": [{"description": f"<p>{ABSTRACT}</p>", "descriptionType": "Abstract"}], "version": "1.2",
    }  # fmt: skip
    world.routes["api.datacite.org/dois/10.5281/zenodo.77"] = Reply(
        {"data": {"id": "10.5281/zenodo.77", "type": "dois", "attributes": attributes}}
    )
    world.routes["doi.org/10.5281/zenodo.77"] = HTML
    facts = facts_of(looked_up("10.5281/zenodo.77", world.client()))
    assert (facts.heading, facts.date, facts.venue, facts.doi) == (
        "Songs of Whales",
        "2031-02-03",
        "Zenodo",
        "10.5281/zenodo.77",
    )
    assert plain(facts.abstract) == ABSTRACT


def test_what_names_a_doi_gives_the_publisher_s_entry(world: World) -> None:
    found(world)
    record = openalex("W323456789", "Sorting Whales, Again", doi="10.5555/whale.1")
    world.routes["api.openalex.org/works/W323456789"] = Reply(record)
    assert "journal={Journal of Whale Song}" in looked_up("W323456789", world.client()).bibtex
    wrong = record | {"title": "A Quite Different Matter of Squid", "display_name": ""}
    world.routes["api.openalex.org/works/W423456789"] = Reply(wrong)
    assert facts_of(looked_up("W423456789", world.client())).heading == "A Quite Different Matter of Squid"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("2106.09685", "arxiv", "2106.09685"), ("arXiv:2106.09685v2", "arxiv", "2106.09685"), ("math.GT/0309136", "arxiv", "math/0309136"),
        ("https://arxiv.org/pdf/2106.09685v1.pdf", "arxiv", "2106.09685"), ("10.48550/arXiv.2106.09685", "arxiv", "2106.09685"),
        ("https://huggingface.co/papers/2106.09685", "arxiv", "2106.09685"), ("https://www.alphaxiv.org/abs/2106.09685", "arxiv", "2106.09685"),
        ("https://ar5iv.labs.arxiv.org/html/2106.09685", "arxiv", "2106.09685"),
        ("doi:10.1145/3292500.3330701", "doi", "10.1145/3292500.3330701"), ("https://doi.org/10.1002/(SICI)1097-0258", "doi", "10.1002/(sici)1097-0258"),
        ("https://dl.acm.org/doi/abs/10.1145/3292500.3330701", "doi", "10.1145/3292500.3330701"),
        ("https://link.springer.com/content/pdf/10.1007/s11263-020-1.pdf", "doi", "10.1007/s11263-020-1"),
        ("https://journals.example/doi/10.1093/x/abc/full", "doi", "10.1093/x/abc"),
        ("https://journals.plos.example/plosone/article?id=10.1371/journal.pone.0000217", "doi", "10.1371/journal.pone.0000217"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.30.927871v2.full.pdf", "doi", "10.1101/2020.01.30.927871"),
        ("https://www.frontiersin.org/articles/10.3389/fnins.2020.00001/full", "doi", "10.3389/fnins.2020.00001"),
        ("https://x.example/watch?id=10", "page", "https://x.example/watch?id=10"),
        ("https://aclanthology.org/P19-1001/", "acl", "P19-1001"), ("2021.acl-long.353", "acl", "2021.acl-long.353"),
        ("https://www.aclweb.org/anthology/2020.emnlp-main.1.pdf", "acl", "2020.emnlp-main.1"), ("10.18653/v1/2021.acl-long.353", "acl", "2021.acl-long.353"),
        ("https://openreview.net/pdf?id=nZeVKeeFYf9", "openreview", "nZeVKeeFYf9"), ("https://openreview.net/forum?id=a-b_C12&noteId=x", "openreview", "a-b_C12"),
        ("PMID: 12345678", "pmid", "12345678"), ("https://pmc.ncbi.nlm.nih.gov/articles/PMC7654321/", "pmcid", "PMC7654321"),
        ("PMC7654321", "pmcid", "PMC7654321"), ("0-306-40615-2", "isbn", "9780306406157"), ("ISBN 978-3-16-148410-0", "isbn", "9783161484100"),
        ("https://www.semanticscholar.org/paper/Title-X/" + "0a" * 20, "s2", "0a" * 20), ("CorpusId:235458009", "s2", "CorpusId:235458009"),
        ("https://openalex.org/works/W2741809807", "openalex", "W2741809807"), ("w2741809807", "openalex", "W2741809807"),
        ("https://dblp.org/rec/conf/nips/VaswaniSPUJGKP17.html?view=bibtex", "dblp", "conf/nips/VaswaniSPUJGKP17"),
        ("https://github.com/microsoft/LoRA/tree/main", "github", "microsoft/LoRA"), ("git@github.com:a/b.git", "github", "a/b"),
        ("https://example.org/a-paper", "page", "https://example.org/a-paper"),
    ],
)  # fmt: skip
def test_what_an_identifier_is(text: str, name: str, value: str) -> None:
    known = recognise(text)
    assert known
    assert known.id == (name, value)


@pytest.mark.parametrize(
    "text",
    ["", "LoRA", "attention is all you need", "21.1", "10.12/x", "978-3-16-148410-1", "1234567890", "http://", "w1"],
)
def test_what_is_no_identifier(text: str) -> None:
    assert recognise(text) is None


def test_a_repository_of_software_with_its_paper_in_the_readme(world: World) -> None:
    raw = "raw.githubusercontent.com/whales/tool/HEAD/"
    world.routes[raw + "CITATION.cff"] = Reply(
        "cff-version: 1.2.0\ntitle: tool\nauthors:\n  - name: Whales\nversion: 1.2\n"
    )
    assert facts_of(looked_up("github.com/whales/tool", world.client())).heading == "tool"
    world.routes[raw + "README.md"] = Reply(
        "# Tool\n\nWe use x:\n```bibtex\n@misc{x, title={The work of others}, author={Roe, Ann}, year={2020}}\n```\nCite\n```\n"
        "@article{tool, title={Whales as a Tool}, author={Gómez, Ana}, journal={J}, year={2031},\n  url={https://github.com/whales/tool}}\n```\n"
    )
    facts = facts_of(looked_up("github.com/whales/tool", world.client()))
    assert facts.heading == "Whales as a Tool"
    assert facts.address("code") == "https://github.com/whales/tool"


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ('<meta name="DC.Title" content="Whales of Dublin"><meta name="DC.Creator" content="Gómez, Ana"><meta name="DC.Date" content="2020-05">',
         "Whales of Dublin"),
        ('<meta name="citation_title" content="Whales &amp;amp; &lt;i&gt;Seals&lt;/i&gt;"><meta name="citation_authors" content="Gómez, Ana; Li, Wei">',
         "Whales & Seals"),
        ('<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [{"@type": "WebPage", "name": "x"},'
         ' {"@type": ["ScholarlyArticle"], "headline": "Whales in Graphs", "author": [{"@type": "Person", "name": "Ana Gómez"}],'
         ' "datePublished": "2020-05-06T00:00:00Z", "isPartOf": {"@type": "PublicationIssue", "isPartOf": {"name": "Journal of Graphs"}}}]}</script>',
         "Whales in Graphs"),
        ('<script type="application/ld+json">{broken</script><meta property="og:title" content="A blog">', ""),
        ('<script type="application/ld+json">{"@type": "Article", "headline": "No people"}</script>', ""),
    ],
)  # fmt: skip
def test_what_a_page_says_of_its_paper(world: World, head: str, title: str) -> None:
    world.routes["page.example/a"] = Reply(f"<html><head>{head}</head></html>", kind="text/html; charset=utf-8")
    if title:
        facts = facts_of(looked_up("https://page.example/a", world.client()))
        assert facts.heading == title
        assert facts.names[0].family == "Gómez"
    else:
        with pytest.raises(Unavailable, match="says of no paper"):
            looked_up("https://page.example/a", world.client())


def test_keys_and_contact_are_the_user_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.errors import BadFile
    from catalog.sources.hosts import contact, keys

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("OPENALEX_API_KEY", raising=False)
    assert keys().get("openalex") is None
    (tmp_path / "readrun").mkdir()
    (tmp_path / "readrun" / "config.toml").write_text(
        'contact = "ana@example.org"\n[keys]\nopenalex = "one"\nncbi = "two"\n'
    )
    monkeypatch.setenv("NCBI_API_KEY", "three")
    assert (keys()["openalex"], keys()["ncbi"], contact()) == ("one", "three", "ana@example.org")
    (tmp_path / "readrun" / "config.toml").write_text("keys = [")
    with pytest.raises(BadFile, match="not valid TOML"):
        keys()


# --- the client ---


def test_an_answer_is_kept_and_asked_for_anew_when_it_is_old(world: World, tmp_path: Path) -> None:
    world.routes["x.example/"] = Reply({"a": 1}, headers={"ETag": '"v1"'})
    client = world.client(Memory(tmp_path / "answers.sqlite"))
    assert client.json("https://x.example/a") == client.json("https://x.example/a") == {"a": 1}
    assert len(world.asked) == 1
    client.sleep(8 * 86_400)
    world.routes["x.example/"] = Reply(b"", 304)
    assert client.json("https://x.example/a") == {"a": 1}
    assert world.agents[-1]["If-None-Match"] == '"v1"'
    client.memory.close()


def test_what_is_not_there_may_come(world: World) -> None:
    world.routes["x.example/"] = Reply("no such id", 400)
    client = world.client()
    for _ in range(2):
        with pytest.raises(NotFound):
            client.json("https://x.example/a")
    assert len(world.asked) == 1
    world.routes["x.example/"] = Reply({"a": 1})
    client.sleep(86_400 / 2)
    assert client.json("https://x.example/a") == {"a": 1}


def test_that_a_paper_has_no_code_is_believed_longer(world: World) -> None:
    world.routes["huggingface.co/api/papers/"] = UNKNOWN
    world.routes["dblp.org/rec/"] = UNKNOWN
    client = world.client()
    for days in (0, 2, 20, 40):
        client.now = lambda days=days: 1_000_000.0 + days * 86_400
        assert huggingface.code("3103.00001", client) == ""
        assert list(dblp.fetch(["conf/a/B"], client)) == []
    asked = [where.partition("/")[0] for where in world.asked]
    assert (asked.count("huggingface.co"), asked.count("dblp.org")) == (2, 4)


def test_hosts_are_asked_in_turn_also_by_the_next_command(world: World, tmp_path: Path) -> None:
    world.routes["export.arxiv.org/"] = atom(atom_entry("3103.00001", "Whales of All Seas", ["Ana Gómez"]))
    client = world.client(Memory(tmp_path / "a"))
    looked_up("3103.00001", client)
    for number in (2, 3):
        with pytest.raises(NotFound):
            looked_up(f"3103.0000{number}", client)
    assert client.sleep.__self__.slept >= 5.5
    other = Client(world.ask, Memory(tmp_path / "a"), now=client.now, sleep=client.sleep)
    with pytest.raises(NotFound):
        looked_up("3103.00009", other)
    assert client.sleep.__self__.slept >= 8.5
    client.memory.close()
    other.memory.close()


def test_a_budget_ends(world: World, tmp_path: Path) -> None:
    world.routes["api.openalex.org/"] = Reply({"results": []})
    client = world.client(Memory(tmp_path / "a"))
    for number in range(10):
        client.json(f"https://api.openalex.org/works?search={number}", cost=10)
    with pytest.raises(Unavailable, match=r"budget of OpenAlex for today is used up; a key of your own raises it"):
        client.json("https://api.openalex.org/works?search=x", cost=10)
    client.json("https://api.openalex.org/works/W1234567")
    assert len(world.asked) == 11
    client.sleep(86_400)
    client.json("https://api.openalex.org/works?search=x", cost=10)
    client.keys = {"openalex": "SECRET"}
    client.json("https://api.openalex.org/works?search=y", cost=10)
    assert world.asked[-1].endswith("search=y&api_key=SECRET")
    client.memory.close()


def test_a_key_goes_to_its_own_host_alone(world: World) -> None:
    world.routes["api.semanticscholar.org/"] = Reply(
        b"", 302, headers={"Location": f"https://127.0.0.1:{world.port}/other.example/x"}
    )
    client = world.client(keys={"semanticscholar": "SECRET"})
    with pytest.raises(Unavailable) as caught:
        client.json("https://api.semanticscholar.org/graph/v1/paper/x")
    assert world.agents[0]["x-api-key"] == "SECRET"
    assert all("x-api-key" not in {name.lower() for name in one} for one in world.agents[1:])
    assert "SECRET" not in str(caught.value)


def test_what_is_kept_is_bounded_and_may_be_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.sources.memory.MOST_BYTES", 20_000)
    memory = Memory(tmp_path / "a")
    import os

    for number in range(60):
        memory.keep(str(number), Kept(float(number), 200, "u", {}, os.urandom(1000)))
    assert memory.answer("0") is None
    assert memory.answer("59")
    memory.close()
    (tmp_path / "a").write_bytes(b"SQLite format 3\x00" + b"x" * 4000)
    memory = Memory(tmp_path / "a")
    memory.keep("x", Kept(1.0, 200, "u", {}, b"good"))
    again = memory.answer("x")
    assert again
    assert again.data == b"good"
    memory.close()


# --- kb add ---


@pytest.fixture
def web(world: World, library: Library, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(Library, "client", lambda *_: world.client())
    return world


def test_several_at_once(web: World, kb: Kb, root: Path) -> None:
    names = found(web)
    done = kb("add", *names.values(), "--tag", "whales")
    assert done.err == ""
    assert done.status == 0
    assert len(done.out.splitlines()) == len(names)
    assert {path.stem for path in (root / "papers").iterdir()} >= {
        "gomez2031sorting",
        "gomez2031whales",
        "gomez2024whales",
    }
    assert kb("check").status == 0
    asked = len(web.asked)
    again = kb("add", *names.values())
    assert again.status == 0
    assert again.out.count("already here: ") == len(names)
    assert (
        len(web.asked) <= asked + 2
    )  # but for what no paper keeps: the id of OpenAlex, a repository that two papers name
    told = kb("add", names["arxiv"], "--tag", "seals").err
    assert told.endswith(" stays as it is; `kb tag`, `kb note`, `kb link`, `kb mark-read` change it\n")
    assert kb("undo").status == 0
    assert len(list((root / "papers").iterdir())) == len(names) - 1


def test_what_is_here_is_said_without_loading_what_asks(root: Path) -> None:
    (root / "papers" / "x.md").write_text("---\ntitle: Whales\nstatus: unread\nids:\n  doi: 10.5555/x\n---\n")
    code = (
        "import sys\nfrom catalog.cli import main\ntry:\n    main(['add', 'doi-org.proxy.uni.example/10.5555/x.'])\n"
        "except SystemExit as e:\n    print(e.code)\n"
        "heavy = ('ssl', 'lxml', 'httpcore2', 'pypdf', 'catalog.sources', 'catalog.ingest')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "already here: x (unread); `kb complete key:x` fills in what is missing", "0", "[]",
    ]  # fmt: skip


def test_a_list_of_what_to_add(web: World, kb: Kb, root: Path) -> None:
    names = found(web)
    (root / "ids.txt").write_text(f"# mine\n{names['acl']}   # the best\n\n- {names['dblp']}\nnonsense\n")
    done = kb("add", "--from-file", "ids.txt")
    assert done.status == 1
    assert done.out.count("added ") == 2
    assert "kb: nonsense: no such file, and no identifier or address of a paper" in done.err
    assert kb("add", given=f"{names['openreview']}\n{names['isbn']}\n").out.count("added ") == 2
    ris = "TY  - JOUR\nTI  - Whales of the RIS\nAU  - Gómez, Ana María\nPY  - 2019\nDO  - 10.5555/ris\nER  - \n"
    assert "added " in kb("add", "-", given=ris).out
    csl = '[{"id": "w", "type": "article-journal", "title": "Whales in Styles", "author": [{"family": "Roe", "given": "Ann"}], "issued": {"date-parts": [[2018]]}}]'
    assert "added " in kb("add", given=csl).out
    two = "@misc{one, title={One Whale}, author={Roe, Ann}, year=2001}\n@misc{two, title={Two Whales}, author={Roe, Bo}, year=2002}"
    assert kb("add", given=two).out.count("added ") == 2
    assert kb("add", given=f"@string{{x = {{y}}}}\n{two}").status == 1  # what entries share comes with its .bib


def test_a_title_in_words(web: World, kb: Kb) -> None:
    found(web)
    near = crossref("10.5555/other", "Sorting Whales and Dolphins by Hand", [("Ann", "Roe")])
    right = crossref("10.5555/whale.1", "Sorting Whales, Again", [("Ana María", "Gómez")])
    web.routes["api.crossref.org/works?query.bibliographic="] = Reply(
        {"status": "ok", "message": {"items": [near, right]}}
    )
    web.routes["export.arxiv.org/api/query?search_query"] = atom(
        atom_entry("3001.00002", "Sorting Whales Once", ["Ann Roe"])
    )
    web.routes["dblp.org/search"] = Reply({"result": {"hits": {"@total": "0"}}})
    done = kb("add", "sorting whales again")
    assert done.status == 1
    assert done.out.startswith("1. Sorting Whales, Again. ")
    assert "give the identifier of one, or --first" in done.err
    assert "added gomez2031sorting" in kb("add", "sorting", "whales", "again", "--first").out


def test_what_is_known_nowhere_and_what_is_busy_add_nothing(web: World, kb: Kb, root: Path) -> None:
    not_found(web)
    web.routes["dblp.org/"] = Reply("slow down", 429)
    done = kb("add", "3103.99999", "dblp:conf/a/B")
    assert done.status == 1
    assert done.err == (
        "kb: 3103.99999: arXiv:3103.99999 is not known; look for a typing mistake\n"
        f"kb: dblp:conf/a/B: {done.err.splitlines()[1].partition('B: ')[2]}\n"
    )
    assert "DBLP is busy (429); ask again after" in done.err
    assert list((root / "papers").iterdir()) == []


BAD = {
    "acl": "2031.acl-main.9", "dblp": "dblp:conf/a/Bad31", "openreview": "openreview:BaD1234567", "openalex": "W999999999", "s2": "b" * 40,
    "github": "github.com/bad/repo", "page": "https://whales.example/post", "doi": "10.5555/bad",
}  # fmt: skip


def test_one_that_cannot_be_looked_up_keeps_none_of_the_others(web: World, kb: Kb, root: Path) -> None:
    names = found(web)
    places = ("aclanthology.org/2031.acl-main.9.bib", "dblp.org/rec/conf/a/Bad31", "api2.openreview.net/notes?id=BaD1234567", "doi.org/10.5555/bad",
              "api.openalex.org/works/W999999999", "api.semanticscholar.org/graph/v1/paper/" + "b" * 40, "raw.githubusercontent.com/bad/repo",
              "whales.example/post", "api.openreview.net/")  # fmt: skip
    web.routes.update(dict.fromkeys(places, HTML))
    web.routes["raw.githubusercontent.com/bad/repo"] = Reply("oops", 500)
    done = kb("add", *(one for name in BAD for one in (BAD[name], names[name])))
    assert done.status == 1
    assert done.out.count("added ") == len(BAD)
    assert [line.split(": ")[1] for line in done.err.splitlines()] == [text.partition(": ")[0] for text in BAD.values()]
    client = web.client()
    for name in ("acl", "dblp", "page", "doi"):  # and where several are asked for one after the other
        source = recognise(names[name]).source
        pair = [recognise(one).name for one in (BAD[name], names[name])]
        given = []
        with pytest.raises(Unavailable):
            given.extend(source.fetch(pair, client))
        assert [one for one, _ in given] == pair[1:]


def test_without_a_network_the_paper_is_made_with_what_is_known(
    library: Library, kb: Kb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Library, "client", lambda *_: Client(silent))
    done = kb("add", "3103.00001", "10.5555/x")
    assert done.status == 0
    assert done.out.startswith("added arxiv-3103.00001: papers/arxiv-3103.00001.md")
    assert done.err.splitlines()[0] == (
        "kb: there is no network: there is no host; `kb complete` fills in what is missing"
    )
    assert library.get("arxiv-3103.00001").arxiv == "3103.00001"
    assert "already here: arxiv-3103.00001" in kb("add", "arXiv:3103.00001v4").out
    assert kb("complete").err == (
        "kb: there is no network: there is no host\ncompleted 0 of 2 papers that lacked something; 2 papers not asked about\n"
    )
    done = kb("add", "https://gone.example/a", "https://gone.example/b")
    assert "added gone.example-a" in done.out


def test_a_host_that_has_gone_is_no_lack_of_network(library: Library, kb: Kb, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(url: str, **_: object) -> Answer:
        if "gone.example" in url:
            raise NoAnswer("no-host", "there is no host gone.example")
        return Answer(200, url)

    monkeypatch.setattr(Library, "client", lambda *_: Client(ask))
    done = kb("add", "https://gone.example/a")
    assert (done.status, done.out) == (1, "")
    assert "gone.example could not be asked: there is no host gone.example" in done.err
    assert library.list() == []


def test_a_source_of_others_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    from catalog.ingest.draft import Draft

    mine = types.SimpleNamespace(
        NAME="shelf", match=lambda text: text.removeprefix("shelf:") if text.startswith("shelf:") else "",
        fetch=lambda names, _: ((name, Draft(title=f"Shelf {name}")) for name in names),
    )  # fmt: skip
    entry = types.SimpleNamespace(name="shelf", value="shelf:source", load=lambda: mine)
    monkeypatch.setattr("catalog.sources.entry_points", lambda group: [entry] if group == "readrun.sources" else [])
    sources.cache_clear()
    known = recognise("shelf:7")
    assert known
    assert look_up(known, Client(lambda *_, **__: None)).title == "Shelf 7"
    sources.cache_clear()


def test_an_answer_that_is_none_is_asked_for_again(world: World) -> None:
    names = found(world)
    client = world.client()
    for name, start in (("openalex", "api.openalex.org/works/W223456789"), ("arxiv", "export.arxiv.org/api/query?id_list"),
                        ("doi", "doi.org/10.5555/whale.1"), ("acl", "aclanthology.org/2031.acl-main.7.bib")):  # fmt: skip
        good = {key: route for key, route in world.routes.items() if key.startswith(start)}
        world.routes.update(dict.fromkeys([*good, "arxiv.org/bibtex/"], HTML))
        if name == "doi":
            assert "by kb, from Crossref" in looked_up(names[name], client).bibtex
        else:
            with pytest.raises(Unavailable):
                looked_up(names[name], client)
        world.routes.update(good)
        assert facts_of(looked_up(names[name], client)).heading == TITLES[name]
    assert "journal={Journal of Whale Song}" in looked_up(names["doi"], client).bibtex


def test_a_page_that_says_nothing_takes_the_title_that_is_given(web: World, kb: Kb) -> None:
    web.routes["blog.example/post"] = HTML
    assert "says of no paper that the page is about; give --title" in kb("add", "https://blog.example/post").err
    done = kb("add", "https://blog.example/post", "--title", "A post on whales")
    assert (done.status, done.out) == (0, "added post-whales: papers/post-whales.md (A post on whales)\n")
    assert "already here: post-whales" in kb("add", "https://blog.example/post").out
