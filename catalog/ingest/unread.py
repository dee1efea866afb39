"""Paper files that cannot be read: each may hold a work that comes in, so that it is not taken for new."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from catalog.bibtex.addresses import same_place
from catalog.errors import BadFile, KbError
from catalog.facts import Facts
from catalog.ingest.known import Keys
from catalog.paperfile import read_key
from catalog.search.index import Index
from catalog.store import Store
from catalog.store.indexing import unreadable
from catalog.text import fold, plain

_TELLING = 16  # letters of a title that two works hardly share


@dataclass(frozen=True, slots=True)
class Unread:
    """One of them: where it is, what is wrong with it, and what it says as far as it is a text."""

    path: str
    wrong: str
    text: str
    letters: str

    @property
    def there(self) -> str:
        """What is to be said where its key is wanted."""
        return f"{self.path} is there and cannot be read ({self.wrong}); mend it, then come again"

    def may_be(self, work: Facts) -> str:
        """What is to be said where it may hold a work: it names its identifier or its title; "" where it does not."""
        named = next((f"{name} {value}" for name, value in work.ids if _stands(value, self.text)), "")
        title = _letters(plain(work.title))
        if not named and title and title in self.letters:
            places = (same_place(one.url).split("#")[0].rstrip("?") for one in work.addresses)
            if len(title) >= _TELLING or any(_stands(place, self.text) for place in places):
                named = "its title"
        return named and f"{self.path} cannot be read ({self.wrong}) and names {named}; mend it, then come again"


def unread(store: Store, index: Index, taken: Keys) -> dict[str, Unread]:
    """The files that cannot be read, by key, but those whose key a paper has that can be; `taken` holds the keys."""
    found = {}
    for file, findings in unreadable(index).items():
        text = ""
        with contextlib.suppress(KbError):
            text = store.read(file).data.decode("utf-8", "replace").replace("\0", "").casefold()
        with contextlib.suppress(BadFile):
            line = f"line {findings[0].line}: " if findings[0].line else ""
            found[read_key(file)] = Unread(store.shown(file), f"{line}{findings[0].message}", text, _letters(text))
    return {key: one for key, one in found.items() if key not in taken}


def _letters(text: str) -> str:
    return fold(text).replace(" ", "")


def _stands(value: str, text: str) -> bool:
    return bool(value) and re.search(rf"(?<!\w){re.escape(value.casefold())}(?:v\d+)?(?![./-]?\w)", text) is not None
