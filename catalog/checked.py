"""Frozen classes whose fields are checked when one is made, each by what its `slot` says.

They refuse as pydantic's models do, with its `ValidationError`, which is imported only then: the import alone takes as
long as all the rest of a command that changes one line of a file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, Self, dataclass_transform

if TYPE_CHECKING:
    from pydantic_core import ValidationError as ValidationError

Read = Callable[[Any], Any]
_NOTHING: Any = object()


def __getattr__(name: str) -> Any:
    """`ValidationError`, for `except checked.ValidationError`, which asks for it once something was raised."""
    if name != "ValidationError":
        raise AttributeError(name)
    from pydantic_core import ValidationError

    return ValidationError


class Kind(NamedTuple):
    """What a field may hold: how a value is read (raises `ValueError`), and the JSON Schema of how it is written."""

    read: Read
    schema: Mapping[str, Any]


class Wrong(ValueError):
    """What is refused: (type, place, value, context) each, as pydantic's errors have it."""

    def __init__(self, *errors: tuple[str, tuple[str | int, ...], Any, Mapping[str, Any]]) -> None:
        super().__init__("refused")
        self.errors = errors


class Slot(NamedTuple):
    """A field: its kind, what it is where nothing is said, and what it is for; "hidden" ones stand in no schema."""

    kind: Kind
    default: Any
    about: str
    hidden: bool


def slot(kind: Kind, *, default: Any = _NOTHING, about: str = "", hidden: bool = False) -> Any:
    """A field of a `Checked` class; one without a default has to be given."""
    return Slot(kind, default, about, hidden)


def text(*then: Callable[[str], str], most: int = 0) -> Kind:
    """A string, as each of `then` gives it, of at most so many characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise _wrong("string_type", value)
        for check in then:
            value = check(value)
        if most and len(value) > most:
            raise _wrong("string_too_long", value, max_length=most)
        return str(value)

    return Kind(read, ({"maxLength": most} if most else {}) | {"type": "string"})


def whole(least: int, most: int, before: Read) -> Kind:
    """A whole number, and what `before` makes one of."""

    def read(value: Any) -> int:
        number = before(value)
        if not isinstance(number, int) and not (isinstance(number, float) and number.is_integer()):
            raise _wrong("int_type", number)
        if number < least:
            raise _wrong("greater_than_equal", number, ge=least)
        if number > most:
            raise _wrong("less_than_equal", number, le=most)
        return int(number)

    return Kind(read, {"type": "integer", "minimum": least, "maximum": most})


def day(before: Read) -> Kind:
    """A date or None, and what `before` makes one of."""

    def read(value: Any) -> dt.date | None:
        found = before(value)
        if isinstance(found, dt.datetime):
            if found.time() != dt.time():
                raise _wrong("date_from_datetime_inexact", found)
            return found.date()
        if found is not None and not isinstance(found, dt.date):
            raise _wrong("date_type", found)
        return found

    return Kind(read, {"anyOf": [{"format": "date", "type": "string"}, {"type": "null"}]})


def one_of(names: type[StrEnum], before: Read) -> Kind:
    """One of some words."""

    def read(value: Any) -> StrEnum:
        try:
            return names(before(value))
        except ValueError:
            before(value)  # where that has a word of its own for it
            *others, last = (repr(str(name)) for name in names)
            raise _wrong("enum", value, expected=f"{', '.join(others)} or {last}") from None

    return Kind(read, {"$ref": f"#/$defs/{names.__name__}"})


def flag() -> Kind:
    """Yes or no."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise _wrong("bool_type", value)
        return value

    return Kind(read, {"type": "boolean"})


def several(kind: Kind, *, before: Read | None = None, after: Read | None = None) -> Kind:
    """Values of a kind, in order."""

    def read(value: Any) -> tuple[Any, ...]:
        value = before(value) if before else value
        if not isinstance(value, Collection | Iterable) or isinstance(value, str | bytes | Mapping):
            raise _wrong("tuple_type", value)
        if not value:
            return ()
        found = tuple(_each(kind.read, ((n, item) for n, item in enumerate(value))))
        return tuple(after(found)) if after else found

    return Kind(read, {"type": "array", "items": kind.schema})


def named(kind: Kind, *, name: Kind | None = None, after: Read | None = None) -> Kind:
    """Values of a kind by name."""
    names = name or text()

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _wrong("dict_type", value)
        if not value:
            return {}
        keys = _each(names.read, ((key, key) for key in value), "[key]")
        found = dict(zip(keys, _each(kind.read, value.items()), strict=True))
        return dict(after(found)) if after else found

    held = {key: rule for key, rule in names.schema.items() if key != "type"}
    schema = {"type": "object", "additionalProperties": kind.schema} | ({"propertyNames": held} if held else {})
    return Kind(read, schema)


def made(cls: type[Checked]) -> Kind:
    """One of a class, or the mapping that makes one."""
    return Kind(cls.model_validate, {"$ref": f"#/$defs/{cls.__name__}"})


def described(cls: type[Checked]) -> dict[str, Any]:
    """The JSON Schema of a class, in as far as it is shown."""
    from inspect import cleandoc

    shown = {name: field for name, field in cls.model_fields.items() if not field.hidden}
    needed = [name for name, field in shown.items() if field.default is _NOTHING]
    return {
        "additionalProperties": False,
        "description": cleandoc(cls.__doc__ or ""),
        "properties": {name: _described(name, field) for name, field in shown.items()},
        **({"required": needed} if needed else {}),
        "title": cls.__name__,
        "type": "object",
    }


def _described(name: str, field: Slot) -> dict[str, Any]:
    said = {"title": name.title(), **field.kind.schema}
    said |= {"description": field.about} if field.about else {}
    if field.default is not _NOTHING and field.default != {}:
        said["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
    if "$ref" in said:
        del said["title"]
    return dict(sorted(said.items()))


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(slot,))
class Checked:
    """A class with its slots as fields; `_whole`, where it has one, says the last word on all of them together.

    What is made of wrong values raises pydantic's `ValidationError`, with every one of them.
    """

    model_fields: ClassVar[Mapping[str, Slot]] = {}

    def __init_subclass__(cls) -> None:
        cls.model_fields = {name: value for name, value in vars(cls).items() if isinstance(value, Slot)}

    def __init__(self, **values: Any) -> None:
        _fill(self, values)

    @classmethod
    def model_validate(cls, value: Any) -> Self:
        """One of these as it is, or made of a mapping. Raises pydantic's `ValidationError`."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            refuse(cls.__name__, Wrong(("model_type", (), value, {"class_name": cls.__name__})))
        made = object.__new__(cls)
        _fill(made, value)
        return made

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """The same with some fields changed, unchecked."""
        made = object.__new__(type(self))
        for name in self.model_fields:
            object.__setattr__(made, name, update[name] if name in update else getattr(self, name))
        return made

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays")

    __delattr__ = __setattr__  # type: ignore[assignment]  # refused alike

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.model_fields)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.model_fields))

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.model_fields)
        return f"{type(self).__name__}({said})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), {name: getattr(self, name) for name in self.model_fields})


def _made_again(cls: type[Checked], values: Mapping[str, Any]) -> Checked:
    made = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def refuse(name: str, wrong: Wrong) -> NoReturn:
    """Raise what is wrong as pydantic's `ValidationError`."""
    from pydantic_core import InitErrorDetails, ValidationError

    lines = [InitErrorDetails(type=kind, loc=place, input=value, ctx=dict(about))
             for kind, place, value, about in wrong.errors]  # fmt: skip
    raise ValidationError.from_exception_data(name, lines) from None


def _fill(made: Checked, values: Mapping[str, Any]) -> None:
    wrong: list[Any] = []
    fields = made.model_fields
    for name, field in fields.items():
        try:
            if name in values:
                value = field.kind.read(values[name])
            elif field.default is _NOTHING:
                raise _wrong("missing", values)
            else:
                value = field.default if field.default != {} else {}
            object.__setattr__(made, name, value)
        except ValueError as e:
            wrong += _placed(e, (name,), values.get(name))
    wrong += [("extra_forbidden", (name,), values[name], {}) for name in values if name not in fields]
    last = getattr(made, "_whole", None)
    if last and not wrong:
        try:
            last()
        except ValueError as e:
            wrong += _placed(e, (), values)
    if wrong:
        refuse(type(made).__name__, Wrong(*wrong))


def _each(read: Read, items: Iterable[tuple[Any, Any]], *below: str) -> list[Any]:
    found, wrong = [], []
    for place, item in items:
        try:
            found.append(read(item))
        except ValueError as e:
            wrong += _placed(e, (place, *below), item)
    if wrong:
        raise Wrong(*wrong)
    return found


def _placed(error: ValueError, place: tuple[Any, ...], value: Any) -> list[Any]:
    """The errors of one that was raised below a place."""
    if isinstance(error, Wrong):
        return [(kind, (*place, *below), given, about) for kind, below, given, about in error.errors]
    if hasattr(error, "errors"):  # one of pydantic's, of a class within
        return [(one["type"], (*place, *one["loc"]), one["input"], one.get("ctx", {})) for one in error.errors()]
    return [("value_error", place, value, {"error": error})]


def _wrong(kind: str, value: Any, **about: Any) -> Wrong:
    return Wrong((kind, (), value, about))
