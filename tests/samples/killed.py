"""A killed process without a process: an act is done, and its caller never hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class Killed(BaseException):
    """What a process hears last."""


@contextmanager
def killed_after(owner: type, method: str, times: int) -> Iterator[None]:
    """End what runs inside when a method has done its work so many times; it is an error when it never comes to that."""
    real, calls = getattr(owner, method), []

    def last_act(*arguments: Any, **named: Any) -> Any:
        answer = real(*arguments, **named)
        calls.append(1)
        if len(calls) == times:
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, method, last_act)
        with pytest.raises(Killed):
            yield
