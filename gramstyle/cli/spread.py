"""Options that are declared once, as the fields of a record, and shared by commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """`command` with the fields of each record among its parameters as options of their own.

    A parameter whose type is a dataclass, and whose fields are declared as options are (`Annotated`, with a
    default) or are such records themselves, gives its place to these; the command is called with the record
    that they make.
    """
    # not get_type_hints, which on Python 3.10 hides the option of a parameter whose default is None
    hints = inspect.get_annotations(command, eval_str=True)
    given = inspect.signature(command).parameters
    parameters = [
        option for name, one in given.items() for option in _options(name, hints[name], one.default)
    ]

    @wraps(command)
    def called(**values: Any) -> None:
        command(**{name: _gathered(name, hints[name], values) for name in given})

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {one.name: one.annotation for one in parameters}
    del called.__wrapped__
    return called


def _options(name: str, kind: Any, default: Any) -> Iterator[inspect.Parameter]:
    """The parameter of that name, or those that its record has."""
    if not _is_record(kind):
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        return
    hints = get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        yield from _options(one.name, hints[one.name], one.default)


def _gathered(name: str, kind: Any, values: dict[str, Any]) -> Any:
    """The value of that name, or the record that the values of its fields make."""
    if not _is_record(kind):
        return values[name]
    hints = get_type_hints(kind, include_extras=True)
    return kind(**{one.name: _gathered(one.name, hints[one.name], values) for one in fields(kind)})


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind)
