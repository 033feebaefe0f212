"""What torch.compile is told of functions that it cannot look into."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def constant_result(function: F) -> F:
    """`torch.compiler.assume_constant_result`, without what it imports.

    That function sets this attribute, after an import of torch._dynamo, which takes about as long as the
    rest of torch, in every process that imports this package.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
