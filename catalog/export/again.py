"""Records as exports write them, so that an import knows one that nobody has changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from catalog.export.csl import item
from catalog.export.hayagriva import entry_of
from catalog.export.ris import record_of
from catalog.export.tables import row_of
from catalog.facts import Facts

_FORMS = (item, lambda facts: record_of(facts)[:-1], row_of, entry_of)  # of RIS without the line that ends a record


def canonical(record: object) -> str:
    """What two spellings of one record share: its fields in any order, every scalar as text, nothing empty."""
    return json.dumps(_texts(record), ensure_ascii=False, sort_keys=True)


def is_exported(record: str, facts: Facts) -> bool:
    """Whether a canonical record is what an export writes of a paper: CSL-JSON, RIS, CSV or Hayagriva's YAML."""
    return any(canonical(form(facts)) == record for form in _FORMS)


def _texts(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _texts(one) for name, one in value.items() if one not in ("", None, [], {})}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return str(value).replace("\r\n", "\n").replace("\r", "\n").rstrip()
