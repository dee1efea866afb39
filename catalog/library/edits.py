"""What changes papers: each reads them, makes the change, and commits it, whatever others do meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from catalog.errors import BadFile, Conflict, Finding, KbError, TakenKey, UnknownKey, refused
from catalog.files import own_code
from catalog.search import numbers, rows
from catalog.snapshot import Snapshot, key_or_name
from catalog.store import Change, Store, Version
from catalog.store.indexing import kept_mark, mark_of
from catalog.text import some_of

if TYPE_CHECKING:
    from catalog.ingest.join import Joined
    from catalog.models import Link, Paper, Status
    from catalog.sides import Choice

_UNMINDED = frozenset({"status", "read", "due", "rating", "tags", "added"})  # no rule about one paper is about these


class Edits:
    """The changes of a knowledge base; `Library` says what each does."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self.store = store
        self.snapshot = snapshot

    def change(self, keys: Iterable[str], edit: Callable[[Paper], Paper], what: str = "change") -> Sequence[Paper]:
        """Change papers, all or none; each as it stands when it is changed."""
        keys = list(dict.fromkeys(map(self.snapshot.resolve, keys)))

        def attempt() -> Sequence[Paper]:
            changes, changed = [], []
            for key in keys:
                file = self.snapshot.file(key)
                version, was = self.store.load_version(file)
                paper = edit(was)
                changes.append(self.store.paper_change(file, version, paper, was))
                changed.append(paper)
            self.commit(changes, f"{what} {some_of(keys, ' ')}")
            return changed

        return self.store.gate.retried(attempt)

    def commit(
        self, changes: Sequence[Change], what: str, since: int | None = None, *, strict: bool = True,
        near: Collection[str] = (),
    ) -> None:  # fmt: skip
        """Commit what adds nothing that `kb check` would call wrong; if not `strict`, say what it will."""
        notices: list[str] = []
        if not all(map(_is_minded_by_no_rule, changes)):
            from catalog.check.entrance import guard

            notices = guard(self.store, changes, near, strict=strict)
        self.store.commit(changes, what, since)
        self.store.gate.notices += notices

    def foretell(self, changes: Sequence[Change]) -> None:
        """Say what `kb check` will call wrong in changes that are made in any case."""
        from catalog.check.entrance import foretold

        self.store.gate.notices += map(str, foretold(self.store, changes, len(changes)))

    def mark(self, keys: Iterable[str], status: str | Status, on: dt.date | None = None) -> Sequence[Paper]:
        from catalog.models import Status

        status = Status(status)
        day = on if status is Status.read else None
        return self.change(keys, lambda paper: paper.evolve(status=status, read=day), f"mark-{status}")

    def note(self, key: str, text: str, due: dt.date | None = None) -> Paper:
        if not text.strip():
            raise KbError("an empty note; write something")
        more = {"due": due} if due else {}

        def edit(paper: Paper) -> Paper:
            return paper.evolve(notes="\n\n".join(filter(None, (paper.notes, text.strip()))), **more)

        return self.change([key], edit, "note")[0]

    def tell_apart(self, key: str, other: str) -> Sequence[Paper]:
        other = self.snapshot.resolve(other)
        if self.snapshot.resolve(key) == other:
            raise KbError(f"{key} and {other} are one paper; `kb split {key}` makes two of it")

        def edit(paper: Paper) -> Paper:
            return paper.evolve(different=tuple(dict.fromkeys((*paper.different, other))))

        return self.change([key], edit, "split")

    def tag(
        self, keys: Collection[str], add: Iterable[str] = (), remove: Iterable[str] = (), where_there: bool = False
    ) -> Sequence[Paper]:  # fmt: skip
        """Tag papers; unless taken off only `where_there`, a paper without a tag to remove is an error."""
        from catalog.text import tag_slug

        gone = {tag_slug(tag) for tag in remove}
        new = self.spelled(add)

        def edit(paper: Paper) -> Paper:
            have = self.snapshot.get(paper.key).tags
            if not where_there and (missing := gone - {tag_slug(tag) for tag in have}):
                raise KbError(
                    f"{paper.key} has no tag {', '.join(sorted(missing))}; it has {', '.join(have) or 'none'}"
                )
            bibtex = _untagged(paper.bibtex, gone, self.store.config.used_fields) if gone else paper.bibtex
            return paper.evolve(bibtex=bibtex, tags=(*(t for t in paper.tags if tag_slug(t) not in gone), *new))

        return self.change(keys, edit, "tag")

    def spelled(self, tags: Iterable[str]) -> tuple[str, ...]:
        from catalog.text import tag_slug

        tags = tuple(tags)
        spelled = self.snapshot.index().ask(numbers.spellings, [tag_slug(tag) for tag in tags]) if tags else []
        best = {tag_slug(tag): tag for tag in reversed(spelled)}
        return tuple(best.get(tag_slug(tag), tag) for tag in tags)

    def link(self, key: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Paper:
        new = parse_links(add)
        gone = tuple(remove)

        def edit(paper: Paper) -> Paper:
            for what in gone:
                if not any(what in (link.name, link.url) for link in paper.links):
                    names = ", ".join(dict.fromkeys(link.name for link in paper.links)) or "none"
                    raise KbError(f"{paper.key} has no link {what}; it has {names}")
            kept = tuple(link for link in paper.links if link.name not in gone and link.url not in gone)
            return paper.evolve(links=kept + new)

        return self.change([key], edit, "link")[0]

    def edit(self, key: str, text: str, expected: Version | str) -> Paper:
        file = self.snapshot.file(key)
        before = self.store.read(file) if isinstance(expected, str) else expected
        if before.data != (expected.encode() if isinstance(expected, str) else expected.data):
            raise Conflict(f"{self.store.shown(file)} was changed by somebody else meanwhile; it stays as it is")
        before, paper = self.store.typed(text, self.snapshot.resolve(key), file, before)
        self.commit([self.store.paper_change(file, before, paper)], f"edit {paper.key}", strict=False)
        return paper

    def rename(self, old: str, new: str) -> Paper:
        from catalog.keys import free_key
        from catalog.rename import entry_keys

        old, new = self.snapshot.resolve(old), normalize("NFC", new)

        def checked() -> Mapping[str, str]:
            further = entry_keys(self._paper(old))[1:]
            if self._owner(new) not in ("", old) or new in further or new.casefold() in self.store.sharing().entries:
                free = free_key(new, self.snapshot.taken().__contains__)
                raise TakenKey(new, free, f"`kb rename {old} {free}` gives it a free one")
            self._paper(old).evolve(key=new)  # a key that cannot be one is refused before anything is looked for
            return {old: new}

        return self.rename_all(checked)[0]

    def rename_all(self, news: Callable[[], Mapping[str, str]]) -> list[Paper]:
        """Give papers the new keys that `news` gives by the old ones, as one change; the papers as they are then."""
        from catalog.rename import renamed

        def attempt() -> list[Paper]:
            since = self.store.gate.latest()
            index = self.snapshot.index(whole=True)
            to = news()
            loaded: dict[str, tuple[str, Version, Paper]] = {}
            for old in to:
                loaded |= {key: one for key, one in self._loaded(old).items() if key not in loaded}
            names = {old: self.store.file_of(old) for old in to}
            files = names | self.store.new_files(to.values(), index, leaving=list(to))
            papers = {key: paper for key, (_, _, paper) in loaded.items()}
            for old, new in to.items():
                read_as = {paper.key: key for key, paper in papers.items()}
                changed, paper = renamed(papers.values(), old, new, files, lambda key: bool(self._owner(key)))
                papers |= {read_as[one.key]: one for one in changed} | {old: paper}
            changes = []
            for key, paper in papers.items():
                file, version, before = loaded[key]
                if paper.key == key and paper != before:
                    changes.append(self.store.paper_change(file, version, paper))
                elif paper.key != key:
                    gone = Change(self.store.shown(file), version, None)
                    changes += [self.store.paper_change(files[paper.key], None, paper), gone]
            self.commit(changes, f"rename {some_of([word for pair in to.items() for word in pair], ' ')}", since)
            return [papers[old] for old in to]

        return self.store.gate.retried(attempt)

    def _owner(self, key: str) -> str:
        """The paper that a key finds; "" where there is none."""
        found = dict(self.snapshot.index().marked("key", [key]))
        return key if key in map(key_or_name, self.snapshot.unreadable()) else found.get(key, "")

    def merge(self, key: str, other: str, take: Iterable[str] = (), dry_run: bool = False) -> Joined:
        from catalog.ingest.join import joined
        from catalog.rename import referring

        key, other = self.snapshot.resolve(key), self.snapshot.resolve(other)

        def attempt() -> Joined:
            since = self.store.gate.latest()
            self.snapshot.index(whole=True)
            done = joined(
                self._paper(key),
                self._paper(other),
                self.store.sharing().macros,
                frozenset(take),
            )
            if not dry_run:
                loaded = self._loaded(other, key)
                papers = {k: paper for k, (_, _, paper) in loaded.items() if k != other} | {key: done.paper}
                papers = {key: done.paper} | {
                    paper.key: paper for paper in referring(papers.values(), loaded[other][0], loaded[key][0])
                }
                changes = [self.store.paper_change(*loaded[k][:2], paper) for k, paper in papers.items()]
                changes.append(Change(self.store.shown(loaded[other][0]), loaded[other][1], None))
                self.commit(changes, f"merge {key} {other}", since)
            return done

        return self.store.gate.retried(attempt)

    def split(self, key: str) -> Sequence[Paper]:
        from catalog.rename import parted

        def attempt() -> Sequence[Paper]:
            since = self.store.gate.latest()
            file = self.snapshot.file(key)
            version, paper = self.store.load_version(file)
            rest, new = parted(paper, key if self.snapshot.index().marked("key", [key]) else paper.key)
            files = self.store.new_files((one.key for one in new), self.snapshot.index())
            changes = [self.store.paper_change(files[one.key], None, one) for one in new]
            self.commit([*changes, self.store.paper_change(file, version, rest)], f"split {key}", since)
            return [rest, *new]

        return self.store.gate.retried(attempt)

    def remove(self, keys: Iterable[str], *, force: bool = False) -> Sequence[str]:
        keys = list(dict.fromkeys(self.snapshot.resolve(key) for key in keys))

        def attempt() -> Sequence[str]:
            files = {key: self.snapshot.file(key) for key in keys}
            changes = [Change(self.store.shown(file), self.store.read(file), None) for file in files.values()]
            self.commit(changes, f"rm {some_of(keys, ' ')}", strict=not force, near=self._pointing(keys))
            return keys

        return self.store.gate.retried(attempt)

    def settle(self, key: str, choices: Mapping[str, Choice]) -> Paper:
        from catalog.sides import read_sides, united

        file = self.snapshot.file(key)
        version = self.store.read(file)
        text = self.store.text_of(file, version)
        paper = united(*read_sides(text, self.snapshot.resolve(key), self.store.shown(file)), choices)
        version, paper = self.store.own(version, paper)
        self.commit([self.store.paper_change(file, version, paper)], f"resolve {paper.key}", strict=False)
        return paper

    def fmt(self, write: bool = True) -> Sequence[str]:

        def attempt() -> Sequence[str]:
            findings: list[Finding] = []
            with self.store.open_index() as index:  # as it was left: what is looked at are the files
                form = repr((own_code(), bool(self.store.readers.names())))  # with readers it is another
                known, formed = index.formed(form), {}
                stale = []  # of very many papers no other is held
                for file, version, paper in self._unformed(known, findings):
                    change = self.store.paper_change(file, version, paper)
                    if change.after == version.data:
                        formed[file] = kept_mark(version.stamp)
                    else:
                        stale.append(change)
                index.keep_formed(formed, form)
            if write:
                self.store.commit(stale, "fmt")
            if findings:
                raise BadFile(*findings)
            return sorted(Path(change.file).name for change in stale)

        return self.store.gate.retried(attempt)

    def _unformed(self, formed: Mapping[str, str], findings: list[Finding]) -> Iterator[tuple[str, Version, Paper]]:
        """Each paper that is not known to be in canonical form; what cannot be read goes to the findings."""
        mine = self.store.readers.mine()
        for file, stamp in sorted(self.store.files().items()):
            if formed.get(file) != mark_of(stamp):
                try:
                    yield file, *self.store.load_as(file, mine)
                except BadFile as e:
                    findings += e.findings
                except UnknownKey:  # gone since
                    continue

    def _paper(self, key: str) -> Paper:
        return self.store.load(self.snapshot.file(key))

    def _loaded(self, key: str, *others: str) -> dict[str, tuple[str, Version, Paper]]:
        """Some papers and all that may refer to the first, as far as they can be read, by key: the file of each, what
        was read of it, and the paper."""
        from catalog.rename import forms_of

        near = self.snapshot.index().ask(rows.mentioning, key, forms_of(self.store.file_of(key)))
        wrong = (finding for findings in self.snapshot.unreadable().values() for finding in findings)
        self.store.gate.notices += [f"{one.where} cannot be read; what it says of others stays" for one in wrong]
        loaded = {}
        for one in dict.fromkeys((key, *others, *near)):
            file = self.snapshot.file(one)
            try:
                loaded[one] = (file, *self.store.load_version(file))
            except BadFile as e:  # since a moment ago
                if one in (key, *others):
                    raise
                self.store.gate.notices.append(f"{e.findings[0].where} cannot be read; what it says of others stays")
        return loaded

    def _pointing(self, keys: Collection[str]) -> Sequence[str]:
        """The files of papers whose notes or entries point to one of these."""

        index = self.snapshot.index()
        names = set(keys) | {name for key in keys if (one := index.get(key)) for name in one.aliases}
        citing = sorted({key for name in names for key in index.with_fact("cites", name)})
        return [*map(self.store.file_of, citing), *index.get_json("heirs", [])]


def _is_minded_by_no_rule(change: Change) -> bool:
    """Whether `kb check` says the same before and after: how far one is, is minded only where it lies ahead."""
    return change.only(_UNMINDED) and (
        not change.meant or not change.meant.read or change.meant.read <= dt.date.today()
    )


def _untagged(bibtex: str, gone: Collection[str], fields: Collection[str]) -> str:
    from catalog.bibtex.held import edited
    from catalog.bibtex.used import untagged

    return edited(bibtex, lambda text: untagged(text, gone, fields))


def parse_links(links: Iterable[str]) -> tuple[Link, ...]:
    """Links as one types them: "name=url", "name=[label](url)", or a bare url (its name is told from the host)."""
    return tuple(map(_parse_link, links))


def _parse_link(text: str) -> Link:
    from pydantic import ValidationError

    from catalog.bibtex.addresses import CODE_HOSTS
    from catalog.ingest.urls import mend
    from catalog.models import Link

    name, equals, url = text.partition("=")
    if not equals and text.isalnum():
        raise KbError(f"{text!r} is not an address; write it in one word, {text}=https://…, or ./{text} for a file")
    if not equals or "/" in name or ":" in name or "?" in name:
        name, url = ("code" if any(host in text for host in CODE_HOSTS) else "paper"), text
    try:
        link = Link.from_scalar(name, url)
        return Link(name=link.name, url=mend(link.url)[0], label=link.label)
    except ValidationError as e:
        raise KbError(refused(e)) from None
