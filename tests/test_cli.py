"""`kb` as a user meets it: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support import Kb

from catalog.library import Library

BIB = (
    "@article{doe2020things,\n  title={A paper about things},\n  author={Doe, Jane},\n  journal={J},\n  year={2020}\n}"
)


@pytest.fixture
def full(kb: Kb, seed: bytes, root: Path) -> Kb:
    (root / "list.md").write_bytes(seed)
    assert kb("import", "list.md").status == 0
    return kb


def test_a_command_that_is_not_there_is_answered_with_a_near_one(kb: Kb) -> None:
    assert "No such command 'lsit'; did you mean site or list?" in kb("lsit").err
    assert "No such command 'zzzzzz'\n" in kb("zzzzzz").err
    assert kb("expotr").status == 2


def test_add_says_what_is_here_and_refuses_a_taken_key(kb: Kb) -> None:
    done = kb("add", given=BIB)
    assert (done.status, done.out) == (0, "added doe2020things: papers/doe2020things.md\n")
    again = kb("add", "-", given=BIB)
    today = dt.date.today()
    assert (again.status, again.out) == (0, f"already here: doe2020things (unread, added {today})\n")
    other = kb("add", given=BIB.replace("about things", "on whales and the sea"))
    assert other.status == 1
    assert "doe2020thingsb" in other.err


def test_add_from_a_file_or_by_title(kb: Kb, root: Path) -> None:
    (root / "a.bib").write_text(BIB)
    assert kb("add", "a.bib", "--tag", "x", "--key", "mine").status == 0
    assert "@article{mine," in kb("show", "mine", "--bibtex").out
    done = kb("add", "--title", "A blog post", "--link", "blog=https://x.org/p", "--json")
    assert json.loads(done.out)["addresses"] == [
        {"kind": "blog", "url": "https://x.org/p", "label": "", "origin": "link"}
    ]
    assert kb("add", "--title", "T u v", "--link", "javascript:alert(1)").status == 1


@pytest.mark.parametrize(("given", "says"), [("", "nothing to add"), ("hello", "no BibTeX entry here")])
def test_add_refuses_what_is_no_entry(kb: Kb, given: str, says: str, root: Path) -> None:
    done = kb("add", given=given)
    assert (done.status, says in done.err) == (1, True)
    assert not list((root / "papers").iterdir())


def test_add_closes_an_entry_that_is_open(kb: Kb, root: Path) -> None:
    assert kb("add", given="@article{x, title={unclosed").status == 0
    assert "@article{x, title={unclosed}}" in (root / "papers" / "x.md").read_text()


def test_list_filters_and_sorts(full: Kb) -> None:
    assert len(full("list").out.splitlines()) == 14
    read = full("list", "status:read", "--sort", "year").out.splitlines()
    assert len(read) == 6
    assert [line.split("\t")[2] for line in read] == ["2021", "2021", "2022", "2022", "2023", "2024"]
    assert len(json.loads(full("list", "status:unread", "--json").out)) == 8
    assert full("list", "author:hu", "year:2021").out.split("\t")[1] == "hu2021lora"
    bad = full("list", "staus:read")
    assert bad.status == 1
    assert "status" in bad.err


def test_search_ranks(full: Kb) -> None:
    assert full("search", "rosa").out.split("\t")[1] == "nikdan2024rosa"
    assert full("search", "prompt", "tuning").out.splitlines()[0].split("\t")[1] == "lester2021power"
    assert full("search", "nothingtobefound").status == 1
    assert full("search").status == 2


def test_keys_may_be_shortened(full: Kb) -> None:
    assert "Low-rank" in full("show", "hu2021").out
    both = full("show", "hu")
    assert both.status == 1
    assert "hu is the beginning of 2 keys: hu2021lora, hu2023llmadapters" in both.err
    wrong = full("show", "nikdan2024rosy")
    assert "did you mean nikdan2024rosa" in wrong.err


def test_marking(full: Kb, library: Library) -> None:
    done = full("mark-read", "xu2023", "--on", "2026-05-04")
    assert done.out == "✓ xu2023qa is read (2026-05-04)\n"
    assert library.paper("xu2023qa").read == dt.date(2026, 5, 4)
    assert full("mark-read", "xu2023", "--on", "4 May").status == 2
    assert full("mark-reading", "chen2023").out == "… chen2023longlora is reading\n"
    assert full("mark-unread", "xu2023").status == 0
    assert library.paper("xu2023qa").read is None
    before = {path: path.read_text() for path in library.store.folder.iterdir()}
    assert full("mark-read", "xu2023", "nobody").status == 1
    assert {path: path.read_text() for path in library.store.folder.iterdir()} == before, "all or none"


def test_marking_is_a_minimal_change(full: Kb, library: Library) -> None:
    path = library.store.folder / "xu2023qa.md"
    before = path.read_text().splitlines()
    full("mark-read", "xu2023qa", "--on", "2026-05-04")
    after = path.read_text().splitlines()
    assert [line for line in after if line not in before] == ["status: read", "read: '2026-05-04'"]
    assert [line for line in before if line not in after] == ["status: unread"]


def test_notes_tags_and_links(full: Kb, library: Library) -> None:
    assert full("note", "hu2021", "Low", "rank.").status == 0
    assert full("note", "hu2021", "-", given="More.\n").status == 0
    assert library.paper("hu2021lora").notes == "Low rank.\n\nMore."
    assert "low-rank" in full("tag", "hu2021", "low-rank", "PEFT").out
    assert full("tag", "hu2021", "--remove", "Low Rank").status == 0
    assert full("tag", "hu2021", "--remove", "absent").status == 1
    assert "code https://github.com/a/b" in full("link", "hu2021", "https://github.com/a/b").out
    assert full("link", "hu2021", "--remove", "code").status == 0
    assert full("link", "hu2021", "--remove", "code").status == 1


def test_rename_follows_every_reference(full: Kb, library: Library) -> None:
    full("note", "nikdan", "See [LoRA](hu2021lora.md) and [again](./hu2021lora.md#x).")
    assert full("rename", "hu2021", "lora").out == "hu2021lora is now lora\n"
    assert "[LoRA](lora.md) and [again](./lora.md#x)" in library.paper("nikdan2024rosa").notes
    assert library.paper("lora").bibtex.startswith("@article{lora,")
    assert library.resolve("hu2021lora") == "lora"
    assert not (library.store.folder / "hu2021lora.md").exists()
    assert full("rename", "lora", "xu2023qa").status == 1


def test_rm_asks(full: Kb, library: Library) -> None:
    assert full("rm", "hu2021", given="n\n").status == 130
    assert len(library.list()) == 14
    assert full("rm", "hu2021", "--yes").out == "deleted hu2021lora\n"
    assert len(library.list()) == 13


def test_edit_checks_what_comes_back(full: Kb, library: Library, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def editor(name: str, code: str) -> None:
        script = root / name
        script.write_text(f"#!{sys.executable}\nimport sys, pathlib\np = pathlib.Path(sys.argv[1])\n{code}\n")
        script.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(script))

    editor("good", "p.write_text(p.read_text().replace('status: read', 'status: reading') + '\\nA note.\\n')")
    assert full("edit", "hu2021").out == "changed hu2021lora\n"
    assert library.paper("hu2021lora").notes == "A note."
    before = library.text("hu2021lora")
    editor("bad", "p.write_text(p.read_text().replace('status: reading', 'status: done'))")
    done = full("edit", "hu2021")
    assert done.status == 1
    assert "papers/hu2021lora.md:2: status: 'done' is not a status; write unread, reading or read" in done.err
    assert "nothing was changed; your text is in" in done.err
    assert library.text("hu2021lora") == before
    kept = Path(done.err.strip().splitlines()[-1].rpartition(" ")[2])
    assert "status: done" in kept.read_text()
    editor("none", "pass")
    assert full("edit", "hu2021").out == "nothing changed\n"
    editor("race", f"q = pathlib.Path({str(library.store.folder / 'hu2021lora.md')!r})\n"
                   "q.write_text(q.read_text() + 'theirs\\n'); p.write_text(p.read_text() + 'mine\\n')")  # fmt: skip
    raced = full("edit", "hu2021")
    assert "was changed by somebody else meanwhile" in raced.err
    assert "theirs" in library.text("hu2021lora")


def test_import_reports_and_exports_come_back(full: Kb, root: Path, tmp_path: Path) -> None:
    done = full("import", "list.md", "--json")
    report = json.loads(done.out)
    assert report["counts"]["unchanged"] == 14
    assert all(finding["line"] for finding in report["findings"] if finding["path"])
    assert full("import", "nowhere.md").status == 1
    assert full("import", "-", given=BIB).status == 0
    assert full("export", "bib", "-o", "all.bib").status == 0
    assert (root / "all.bib").read_text().count("@") >= 15
    assert len(json.loads(full("export", "json", "status:read").out)) == 6
    rows = list(csv.reader(io.StringIO(full("export", "csv").out)))
    assert len(rows) == 16
    (root / "paper.tex").write_text("\\cite{hu2021lora,unknown1} % \\cite{no}")
    (root / "chapter.tex").write_text("\\citep[p.~3]{nikdan2024rosa}")
    (root / "main.tex").write_text("\\input{chapter}\n\\input{../outside}")
    partly = full("export", "bib", "--from", "main.tex")
    assert partly.out.startswith("@misc{nikdan2024rosa,")
    assert partly.err == "not read: main.tex:2: \\input{../outside}: no such file\n"
    (root / "two.md").write_text("As [@HU2021lora] has it, @fig-one.")
    both = full("export", "bib", "--from", "main.tex", "--from", "two.md")
    assert (both.out.count("@"), both.status) == (2, 0)
    assert "guessed: HU2021lora: there is only hu2021lora" in both.err
    (root / "none.tex").write_text("no citation")
    assert full("export", "bib", "--from", "none.tex").status == 1
    cited = full("export", "bib", "--from", "paper.tex")
    assert cited.status == 1
    assert cited.out.count("@") == 1
    assert "missing: unknown1" in cited.err


def test_a_folder_is_walked(kb: Kb, root: Path, seed: bytes) -> None:
    (root / "lists" / "deep").mkdir(parents=True)
    (root / "lists" / "peft.md").write_bytes(seed)
    (root / "lists" / "deep" / "a.bib").write_text(BIB)
    (root / "lists" / ".hidden.bib").write_text("@misc{no, title={no}}")
    (root / "lists" / "a.pdf").write_bytes(b"%PDF-1.4")
    (root / "lists" / "compose.yaml").write_text("services: {db: {image: postgres, ports: ['5432:5432']}}")
    (root / "lists" / "deep" / "mine.json").write_text('[{"title": "Lamps at Sea", "year": 2019}]')
    done = kb("import", "lists")
    assert "took 16 of 16 entries; 1 line left as it is (prose); 16 added" in done.out
    assert "note: no paper in 1 file of the folder: lists/compose.yaml" in done.out
    assert "not looked at: 1 .pdf" in done.err
    again = kb("import", "lists")
    assert "16 unchanged" in again.out
    assert not again.err


def test_a_dry_run_shows_the_diff(kb: Kb, root: Path) -> None:
    done = kb("import", "-", "--dry-run", given=BIB)
    assert "+++ doe2020things.md" in done.out
    assert "would take 1 of 1 entry" in done.out
    assert not list((root / "papers").iterdir())


def test_a_rejected_entry_makes_the_status_one(kb: Kb) -> None:
    done = kb("import", "-", given="@article{a, = {y}}\n\n" + BIB)
    assert done.status == 1
    assert "<stdin>:1: " in done.out
    assert "1 rejected" in done.out


def test_next_and_stats(full: Kb) -> None:
    full("mark-reading", "chen2023")
    first = json.loads(full("next", "--json").out)[0]
    assert first["key"] == "chen2023longlora"
    assert first["reasons"][0] == "you have begun it"
    numbers = json.loads(full("stats", "--json").out)
    assert numbers["by_status"] == {"read": 6, "reading": 1, "unread": 7}
    full("note", "xu2023", "--due", "2020-01-01")
    assert "xu2023qa  due 2020-01-01" in full("stats").out
    assert "it was due" in full("next").out


def test_open_prints_the_address(full: Kb) -> None:
    assert full("open", "hu2021", "--print").out == "https://arxiv.org/pdf/2106.09685\n"
    assert full("open", "peft", "code", "--print").out == "https://github.com/huggingface/peft\n"
    missing = full("open", "hu2021", "slides", "--print")
    assert missing.err == "kb: hu2021lora has no slides link; it has paper\n"


def test_outside_a_knowledge_base(kb: Kb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = kb("list")
    assert done.status == 1
    assert "`kb init` makes a knowledge base" in done.err
    assert kb("init", "new", "--title", 'A "list"').status == 0
    assert kb("--root", "new", "list").status == 0
    assert kb("init", "new").status == 1
    assert Library.open(tmp_path / "new").store.config.title == 'A "list"'


def test_wrong_calls_end_with_two(kb: Kb) -> None:
    assert kb("nosuch").status == 2
    assert kb("list", "--nosuch").status == 2
    assert kb("show").status == 2
    assert kb("export").status == 2


def test_a_file_cannot_steer_the_terminal(kb: Kb, root: Path) -> None:
    (root / "papers" / "x.md").write_text("---\nstatus: unread\n---\n\n\x1b]0;owned\x07\x1b[2J note\n")
    (root / "papers" / "y.md").write_text("---\nstatus: unread\n---\n\n```bibtex\n@misc{y, title={\x1b[31mred}}\n```\n")
    leader, follower = pty.openpty()
    for args in (["show", "x"], ["list"], ["show", "y"]):
        subprocess.run([sys.executable, "-m", "catalog", *args], stdout=follower, stderr=follower, check=True,
                       cwd=root, env=os.environ | {"TERM": "dumb", "PYTHONPATH": str(Path(__file__).parent.parent)})  # fmt: skip
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert b"note" in shown
    assert b"\x1b]0;" not in shown
    assert b"\x1b[2J" not in shown
    assert b"\x1b[31mred" not in shown


def test_a_bad_file_is_named_and_the_others_are_shown(full: Kb, root: Path) -> None:
    (root / "papers" / "bad.md").write_text("---\nstatus: maybe\n---\n")
    assert len(full("list").out.splitlines()) == 14
    done = full("check")
    assert done.status == 1
    assert "papers/bad.md:2: status: 'maybe' is not a status; write unread, reading or read" in done.out
    assert full("export", "bib").status == 1


def test_check_and_fmt(full: Kb, root: Path, library: Library) -> None:
    path = root / "papers" / "hu2021lora.md"
    path.write_text(path.read_text().replace("status: read\n", "status:   'read'\n"))
    assert full("fmt", "--check").status == 1
    assert full("fmt").out == "papers/hu2021lora.md\n"
    assert full("fmt", "--check").status == 0
    report = json.loads(full("check", "--json").out)
    assert {finding["code"] for finding in report["findings"]} >= {"no-notebook"}


def test_schema_and_completion(kb: Kb) -> None:
    schema = json.loads(kb("schema").out)
    assert schema["$defs"]["Status"]["enum"] == ["unread", "reading", "read"]
    assert "bibtex" not in schema["properties"]
    for shell in ("bash", "zsh", "fish"):
        assert "_KB_COMPLETE" in kb("completion", shell).out


def test_keys_complete(full: Kb, root: Path) -> None:
    env = os.environ | {"_KB_COMPLETE": "bash_complete", "COMP_WORDS": "kb show hu", "COMP_CWORD": "2"}
    env["PYTHONPATH"] = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'kb'; from catalog.cli import main; main()"],
        capture_output=True, text=True, cwd=root, env=env, check=False,
    )  # fmt: skip
    assert "hu2021lora" in done.stdout
    assert "hu2023llmadapters" in done.stdout


def test_a_closed_pipe_is_no_error(full: Kb, root: Path) -> None:
    code = f"{sys.executable} -m catalog list | head -n 1"
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(["bash", "-c", code], cwd=root, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("tag", "doe2020things", "a|b"), "'a|b' is not a tag"),
        (("rename", "doe2020things", ""), "the citation key is empty"),
        (("rename", "doe2020things", "a{b"), "'a{b' is not a citation key"),
        (("link", "doe2020things", "code", "https://x.org"), "'code' is not an address"),
    ],
)
def test_what_a_paper_cannot_hold_is_refused_in_words(kb: Kb, args: tuple[str, ...], says: str) -> None:
    kb("add", given=BIB)
    before = kb("show", "doe2020things", "--json").out
    done = kb(*args)
    assert (done.status, done.out) == (1, "")
    assert says in done.err
    assert kb("show", "doe2020things", "--json").out == before


def test_init_makes_the_knowledge_base_that_root_names(kb: Kb, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere"
    assert kb("--root", str(there), "init").status == 0
    assert (there / "kb.toml").exists()


def test_cite(full: Kb, root: Path) -> None:
    assert full("cite", "hu2021lora").out.startswith("Hu, E. J., Shen, Y.")
    numbered = full("cite", "hu2021", "nikdan2024rosa", "--style", "ieee", "--format", "markdown").out.splitlines()
    assert [line[:12] for line in numbered] == [r"\[1\] E. J. ", r"\[2\] M. Nik"]
    assert full("show", "hu2021lora", "--cite").out == full("cite", "hu2021lora").out
    assert "there are apa, ieee" in full("cite", "hu2021lora", "--style", "nix").err
    (root / "own.csl").write_text("<style/>")
    assert full("cite", "hu2021lora", "--style", "own.csl").status == 1
    assert full("cite", "nobody").status == 1


def test_a_shared_bib_keeps_what_others_wrote(full: Kb, root: Path) -> None:
    refs = root / "refs.bib"
    refs.write_text("@misc{hand, title = {By hand}}\n\n@misc{hu2021lora, title = {Cooking for owls}}\n")
    done = full("export", "bib", "key:hu2021lora OR key:nikdan2024rosa", "-o", "refs.bib")
    assert "kept: hand, which is not ours" in done.err
    assert "clash: hu2021lora is another work there" in done.err
    assert done.status == 1
    text = refs.read_text()
    assert "By hand" in text
    assert "owls" in text
    assert "@misc{nikdan2024rosa," in text
    assert full("export", "bib", "key:nikdan2024rosa", "-o", "refs.bib", "--replace").status == 0
    assert refs.read_text().count("@") == 1
    before = refs.read_text()
    shown = full("export", "bib", "key:nikdan2024rosa", "-o", "refs.bib", "--align", "--dry-run").out
    assert "+  title         = " in shown
    assert refs.read_text() == before


def test_normalizing_is_chosen(full: Kb, root: Path) -> None:
    (root / "j.csv").write_text("# list\nArXiv Preprint arXiv:2106.09685;arXiv\n")
    made = full(
        "export", "bib", "key:hu2021lora", "--drop", "year", "--drop", "note", "--journals", "j.csv", "--first", "title"
    )
    assert made.out.splitlines()[1].startswith("  title = ")
    assert "year" not in made.out
    assert "journal = {arXiv}" in made.out
    assert "+  year = {2021}," in full("export", "bib", "key:hu2021lora", "--normalize", "--dry-run").out
    assert full("export", "bib", "--leave", "nothing").status == 2
    (root / "bad.csv").write_text("no other name\n")
    assert "bad.csv:1: 'no other name'" in full("export", "bib", "--journals", "bad.csv").err
    assert "date = {2021}" in full("export", "biblatex", "key:hu2021lora").out


def test_every_format_leaves(full: Kb, root: Path) -> None:
    for name in ("csl", "ris", "hayagriva", "sqlite"):
        assert full("export", name, "-o", f"all.{name}").status == 0
    assert len(json.loads((root / "all.csl").read_text())) == 14
    assert (root / "all.ris").read_text().count("TY  - ") == 14
    assert (root / "all.sqlite").read_bytes().startswith(b"SQLite format 3")
