"""The implementations of a knowledge base: which paper each is of, and what running them measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import Finding, KbError
from catalog.files import decoded
from catalog.implemented import Told
from catalog.snapshot import Snapshot
from catalog.store import REPORTS, Change, Store
from catalog.store.disk import read_version
from catalog.store.indexing import told

if TYPE_CHECKING:
    from catalog.reports import Ledger, Report
    from refimpl import Card


OWN_MODEL = "tiny"  # the one that comes along


class Implementations:
    """The implementations that a knowledge base knows; `Library` says what each method does."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self.store = store
        self.snapshot = snapshot

    def cards(self) -> Sequence[Card]:
        from dataclasses import replace

        there = self.store.implemented.cards()
        return [replace(card, paper=paper) for card, paper in zip(there, self._papers_of(there), strict=True)]

    def to_check(self) -> Sequence[Card]:
        """Those that a check is about; none is read where it is about none."""
        wanted = self.store.config.implemented or (self.store.root / "refimpl").is_dir()
        return self.cards() if wanted else ()

    def named(self) -> dict[str, tuple[str, ...]]:
        there = told(self.snapshot.index())
        found: dict[str, tuple[str, ...]] = {}
        for one, paper in zip(there, self._papers_of(there), strict=True):
            found[paper] = (*found.get(paper, ()), one.name)
        return found

    def card(self, name: str) -> Card:
        from catalog.running import find_card

        return find_card(self.cards(), name, self.snapshot.resolve)

    def runs(self) -> dict[str, dict[str, dict[str, Any]]]:
        from catalog.runs import read_runs

        return read_runs(self.store.root / "runs")[0]

    def verify(
        self, name: str, device: str = "cpu", kinds: Collection[str] = (), *, record: bool = True,
        report: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:  # fmt: skip
        from catalog.running import run_claims

        card = self.card(name)
        done = run_claims(card, device, kinds, report)
        if record:
            self._keep_run(card.name, str(done["device"]), done)
        return done

    def mutate(
        self, name: str, *, record: bool = True, report: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> dict[str, Any]:
        from catalog.running import plant_faults

        card = self.card(name)
        done = plant_faults(card, report)
        if record:
            self._keep_run(card.name, "cpu", {"faults": {"planted": done["planted"], "missed": done["missed"]}})
        return done

    def demo(self, name: str, *, record: bool = False, **options: Any) -> dict[str, Any]:
        from catalog.running import run_demo

        card = self.card(name)
        done = run_demo(card, **options)
        if record:
            model, kind = str(done.get("model") or OWN_MODEL), str(done.get("environment", {}).get("kind", "cpu"))
            kept = {name: value for name, value in done.items() if name != "adapter"}  # a place on this machine
            self._keep_run(card.name, kind, {"demo": kept} if model == OWN_MODEL else {"demos": {model: kept}})
        return done

    def reports(self) -> tuple[dict[str, Ledger], Sequence[Finding]]:
        from catalog.reports import read_reports

        return read_reports(*self._shipped(), self.store.root / REPORTS)

    def report(self, name: str, report: Report) -> Path:
        from catalog.reports import Ledger, added

        name = self.card(name).name
        file = f"{REPORTS}/{name}.toml"
        path = self.store.root / file

        def attempt() -> Path:
            before = read_version(path, file)
            known = self.reports()[0].get(name, Ledger())
            text = added(decoded(before.data, file) if before else "", known, report, file)
            self.store.commit([Change(file, before, text.encode())], f"report {name}")
            return path

        return self.store.gate.retried(attempt)

    def _shipped(self) -> list[Path]:
        """Where the implementations that came along have their reports."""
        found = find_spec("refimpl")
        return [Path(place) / "reports" for place in (found.submodule_search_locations or ())] if found else []

    def bench(self, names: Collection[str] = (), *, restart: bool = False, **options: Any) -> dict[str, Any]:
        from catalog.running import run_bench

        with self.store.lock():  # makes its folder
            lock = self.store.private / "bench.lock"
        methods = [self._method(name) for name in names]
        return run_bench(self.store.root / "runs", lock, methods, self.store.write_file, restart=restart, **options)

    def new(self, name: str, paper: str) -> Path:
        from catalog.running import new_implementation

        facts = self.snapshot.get(paper)
        ids = [f"arXiv:{facts.id('arxiv')}"] if facts.id("arxiv") else [facts.id("doi")]
        return new_implementation(self.store.root / "refimpl", name, " ".join(filter(None, [facts.key, *ids])))

    def _with_ids(self, ids: Collection[tuple[str, str]]) -> dict[tuple[str, str], Sequence[str]]:
        """The keys of the papers that have these identifiers."""
        keys: dict[tuple[str, str], Sequence[str]] = {}
        for name in {name for name, _ in ids}:
            for value, key in self.snapshot.index().marked(name, [value for n, value in ids if n == name]):
                keys[name, value] = (*keys.get((name, value), ()), key)
        return keys

    def _papers_of(self, there: Sequence[Card] | Sequence[Told]) -> list[str]:
        """The key here of each one's paper."""
        keys = self._with_ids({pair for card in there for pair in card.ids})
        return [self._paper_of(card, keys) if card.ids else card.paper for card in there]

    def _paper_of(self, card: Card | Told, keys: Mapping[tuple[str, str], Sequence[str]]) -> str:
        """The key here of a card's paper; where its key is another work's, its identifier."""
        if found := [key for pair in card.ids for key in keys.get(pair, ())]:
            return card.paper if card.paper in found else found[0]
        there = self.snapshot.index().get(card.paper)
        other = there is not None and any(there.id(name) not in ("", value) for name, value in card.ids)
        return ":".join(card.ids[0]) if other else card.paper

    def _method(self, name: str) -> str:
        """What a paper's key stands for; any other name as it is."""
        try:
            return self.card(name).name
        except KbError:
            return name

    def _keep_run(self, name: str, device: str, news: dict[str, Any]) -> None:
        import json

        from catalog.running import record_path

        path = record_path(self.store.root / "runs", name, device)
        with self.store.lock():
            before = self.runs().get(name, {}).get(device.partition(":")[0], {})
            if "demos" in news:  # of other models, each beside the rest
                news = news | {"demos": {**before.get("demos", {}), **news["demos"]}}
            self.store.write_file(path, json.dumps(before | news, indent=1, ensure_ascii=False) + "\n")
