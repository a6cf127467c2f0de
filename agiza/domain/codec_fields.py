"""Frozen dataclasses of the domain as JSON objects and back, in two versions of their shape.

What has to be done for a class is found out from its fields once and kept: carts are read and written at every function
call. Version 1 is version 2 without what :data:`NEW_IN_2` names.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from agiza.domain.cart import Choice
from agiza.domain.placed import OrderOption, OrderPart, Totals

NEW_IN_2: Mapping[type, Mapping[str, object]] = {
    Choice: {"under": ()},
    OrderOption: {"kitchen": None, "under": ()},
    OrderPart: {"under": (), "extra_minor": 0},
    Totals: {"taxes": ()},
}
"""The fields that version 2 added: choices within choices, kitchen names of options, what a part's configuration costs
more, and taxes one by one. With these values an object of version 1 is what it was."""

# `Any` below: types are looked at as values here, and typing has no static word for "some type form".
_Read = Callable[[Any], object]
_Write = Callable[[Any], object]


class CodecError(ValueError):
    """A stored document is not what this version reads. Not worth retrying."""

    retryable = False


class NotOldError(Exception):
    """A value holds something that version 1 has no place for."""


def written(value: Any) -> dict[str, object]:
    """The object as version 2 writes it."""
    kind: Any = type(value)
    return _object_writer(kind, old=False)(value)


def written_old(value: Any) -> dict[str, object]:
    """The object as version 1 wrote it. Raises :class:`NotOldError`."""
    kind: Any = type(value)
    return _object_writer(kind, old=True)(value)


def read(kind: Any, body: object, path: str, *, old: bool) -> object:
    """The object of this class that `body` holds, in version 1 if `old`. `path` names it in the text of CodecError,
    which every other body raises."""
    try:
        return _object_reader(kind, old=old)(body)
    except _Wrong as wrong:
        raise CodecError(f"{path}{wrong.path} {wrong.what}") from None


class _Wrong(Exception):
    """What is wrong with a part of a document, and where in it. The place is put together on the way out."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path = ""


# -- writing


@cache
def _object_writer(kind: Any, *, old: bool) -> Callable[[Any], dict[str, object]]:
    new = NEW_IN_2.get(kind, {}) if old else {}
    hints = get_type_hints(kind)
    names = tuple(field.name for field in fields(kind) if field.name not in new)
    deep = tuple((name, write) for name in names if (write := _writer(hints[name], old=old)) is not None)
    # attrgetter gives a tuple for two names and more
    get: Callable[[Any], tuple[object, ...]] = (
        attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
    )

    def write_object(value: Any) -> dict[str, object]:
        for name, usual in new.items():
            if getattr(value, name) != usual:
                raise NotOldError
        body = dict(zip(names, get(value), strict=True))
        for name, write in deep:
            body[name] = write(body[name])
        return body

    return write_object


def _writer(hint: Any, *, old: bool) -> _Write | None:
    """How a value of this type is written; None where it stands in JSON as it is."""
    hint = _plain(hint)
    if _is_object(hint):
        return _object_writer(hint, old=old)
    origin = get_origin(hint)
    if origin in (UnionType, Union):
        inner = _writer(_only_other(hint), old=old)
        return None if inner is None else lambda value: None if value is None else inner(value)
    if origin is tuple:
        each = _writer(get_args(hint)[0], old=old)
        return list if each is None else lambda value: [each(entry) for entry in value]
    return None


# -- reading


@cache
def _object_reader(kind: Any, *, old: bool) -> _Read:
    new = NEW_IN_2.get(kind, {}) if old else {}
    hints = get_type_hints(kind)
    names = frozenset(hints) - frozenset(new)
    # in the order of the class: whether the type must be exactly this one, else how the value is read
    plan = tuple((field.name, *_reader(hints[field.name], old=old)) for field in fields(kind) if field.name in names)

    def read_object(body: Any) -> object:
        if not isinstance(body, Mapping):
            raise _Wrong("must be an object")
        if body.keys() != names:
            raise _Wrong(f"has the wrong fields: {sorted(set(body) ^ names)}")
        values = {}
        name = ""
        try:
            for name, exact, read_value in plan:
                value = body[name]
                if read_value is not None:
                    value = read_value(value)
                elif exact is not None and type(value) is not exact:  # a bool is an int to isinstance, but never to us
                    raise _Wrong(f"must be {exact.__name__}")
                values[name] = value
        except _Wrong as wrong:
            wrong.path = f".{name}{wrong.path}"
            raise
        return kind(**values, **new)

    return read_object


def _reader(hint: Any, *, old: bool) -> tuple[type | None, _Read | None]:
    """(the type that a value must have exactly, None) or (None, how it is read)"""
    hint = _plain(hint)
    if _is_object(hint):
        return None, _object_reader(hint, old=old)
    origin = get_origin(hint)
    if origin in (UnionType, Union):
        inner = _checked(_only_other(hint), old=old)
        return None, lambda value: None if value is None else inner(value)
    if origin is tuple:
        return None, _list_reader(_checked(get_args(hint)[0], old=old))
    if origin is Literal:
        return None, _choice_reader(get_args(hint))
    return hint, None


def _checked(hint: Any, *, old: bool) -> _Read:
    """As :func:`_reader`, as one function."""
    exact, read_value = _reader(hint, old=old)
    if read_value is not None:
        return read_value
    assert exact is not None

    def check(value: object) -> object:
        if type(value) is not exact:
            raise _Wrong(f"must be {exact.__name__}")
        return value

    return check


def _list_reader(read_entry: _Read) -> _Read:
    def read_list(value: object) -> object:
        if not isinstance(value, list):
            raise _Wrong("must be a list")
        entries: list[object] = []
        try:
            for entry in value:
                entries.append(read_entry(entry))  # noqa: PERF401 - how many were right is where the wrong one is
        except _Wrong as wrong:
            wrong.path = f"[{len(entries)}]{wrong.path}"
            raise
        return tuple(entries)

    return read_list


def _choice_reader(values: tuple[object, ...]) -> _Read:
    def read_choice(value: object) -> object:
        if value not in values:
            raise _Wrong("has an unknown value")
        return value

    return read_choice


def _is_object(hint: Any) -> bool:
    return is_dataclass(hint)


def _plain(hint: Any) -> Any:
    return getattr(hint, "__supertype__", hint)  # an id is stored as its text


def _only_other(hint: Any) -> Any:
    """The one type of a union besides None."""
    (inner,) = (each for each in get_args(hint) if each is not NoneType)
    return inner
