"""Classes whose fields are checked: what is refused, in pydantic's words, and where."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
from enum import StrEnum
from typing import Annotated, Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.checked import Checked, day, described, flag, made, named, one_of, several, slot, text, whole


class Size(StrEnum):
    small = "small"
    large = "large"


def same(value: Any) -> Any:
    return value


def short(word: str) -> str:
    if len(word) > 3:
        raise ValueError(f"{word} is too long; cut it")
    return word.strip()


class Leaf(Checked):
    name: str = slot(text(short))


class Tree(Checked):
    name: str = slot(text(most=5))
    height: int = slot(whole(0, 9, same), default=0)
    size: Size = slot(one_of(Size, same), default=Size.small)
    felled: dt.date | None = slot(day(same), default=None)
    leaves: tuple[Leaf, ...] = slot(several(made(Leaf)), default=())
    words: tuple[str, ...] = slot(several(text(short)), default=())
    labels: dict[str, str] = slot(named(text(most=2)), default={})
    old: bool = slot(flag(), default=False)


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


Short = Annotated[str, pydantic.AfterValidator(short)]


class LeafModel(Model):
    name: Short


class TreeModel(Model):
    name: Annotated[str, pydantic.Field(max_length=5)]
    height: Annotated[int, pydantic.Field(ge=0, le=9)] = 0
    size: Size = Size.small
    felled: Annotated[dt.date | None, pydantic.Strict()] = None
    leaves: tuple[LeafModel, ...] = ()
    words: tuple[Short, ...] = ()
    labels: dict[str, Annotated[str, pydantic.Field(max_length=2)]] = {}
    old: Annotated[bool, pydantic.Strict()] = False


ANY = st.one_of(
    st.text("ab ", max_size=7), st.integers(-2, 12), st.none(), st.booleans(), st.dates(), st.sampled_from(["small", 2.5]),
    st.lists(st.one_of(st.text("ab", max_size=5), st.integers(0, 1)), max_size=3),
    st.lists(st.dictionaries(st.sampled_from(["name", "x"]), st.text("ab", max_size=5), max_size=2), max_size=2),
    st.dictionaries(st.text("ab", max_size=2), st.one_of(st.text("ab", max_size=3), st.integers(0, 1)), max_size=2),
)  # fmt: skip
NAMES = st.sampled_from([*Tree.model_fields, "more"])


def outcome(cls: Any, values: dict[str, Any]) -> Any:
    try:
        held = cls.model_validate(values)
    except pydantic.ValidationError as e:
        return sorted((one["loc"], one["type"].removesuffix("_parsing").removesuffix("_type")) for one in e.errors())
    plain = {name: getattr(held, name) for name in Tree.model_fields}
    return plain | {"leaves": [leaf.name for leaf in plain["leaves"]]}


@given(st.dictionaries(NAMES, ANY, max_size=4))
def test_the_same_is_taken_and_refused_as_by_pydantic(values: dict[str, Any]) -> None:
    values.setdefault("name", "oak")
    if isinstance(values.get("height"), str | float):  # pydantic reads numbers out of strings, the catalog by itself
        del values["height"]
    assert outcome(Tree, values) == outcome(TreeModel, values)


def test_each_fault_says_what_and_where() -> None:
    with pytest.raises(pydantic.ValidationError) as found:
        Tree(height=10, words=["oak", "willow"], labels={"a": "bcd"}, leaves=({"name": "needle"},), more=1)  # type: ignore[call-arg, arg-type]  # wrong on purpose
    assert [(one["loc"], one["msg"]) for one in found.value.errors()] == [
        (("name",), "Field required"),
        (("height",), "Input should be less than or equal to 9"),
        (("leaves", 0, "name"), "Value error, needle is too long; cut it"),
        (("words", 1), "Value error, willow is too long; cut it"),
        (("labels", "a"), "String should have at most 2 characters"),
        (("more",), "Extra inputs are not permitted"),
    ]


def test_one_that_was_made_stays_as_it_is() -> None:
    one, other = Tree(name="oak", words=(" a",)), Tree(name="oak", words=("a",))
    assert one == other != Tree(name="elm")
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - its own
    with pytest.raises(AttributeError, match="frozen"):
        one.name = "elm"  # type: ignore[misc]  # refused on purpose
    assert one.model_copy(update={"name": "elm"}).words == ("a",)
    one.labels["x"] = "y"
    assert other.labels == Tree(name="ash").labels == {}
    assert len({Leaf(name="a"), Leaf(name="a"), Leaf(name="b")}) == 2


def test_its_schema_is_that_of_pydantic() -> None:
    ours, theirs = described(Tree), TreeModel.model_json_schema()
    for name in ("name", "height", "felled", "old"):
        assert ours["properties"][name] == theirs["properties"][name]
    assert ours["properties"]["labels"]["additionalProperties"] == {"maxLength": 2, "type": "string"}
    assert ours["properties"]["leaves"]["items"] == {"$ref": "#/$defs/Leaf"}
    assert (ours["required"], ours["additionalProperties"]) == (theirs["required"], False)


def test_what_is_right_needs_no_pydantic() -> None:
    code = (
        "import sys\nfrom catalog.paperfile import dumps, loads\n"
        "dumps(loads('---\\ntitle: T\\nstatus: unread\\n---\\n', 'k').evolve(rating=3))\n"
        "print(*(name for name in sys.modules if name.startswith('pydantic')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
