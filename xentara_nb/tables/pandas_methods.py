"""Methods of pandas, changed for the classes of our tables."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from io import StringIO
from typing import Any, TypeVar, cast

from xentara_nb.protocol.text import safe_lines

_Method = TypeVar("_Method", bound=Callable[..., Any])


def visible(method: _Method) -> _Method:
    """Return a method that makes a text, as one of a text in which all can be seen."""

    @wraps(method)
    def visible(table: Any, buf: Any = None, *args: Any, **kwargs: Any) -> str | None:
        if buf is not None and not hasattr(buf, "write"):  # a file, where the values stay
            method(table, buf, *args, **kwargs)
            return None
        text = safe_lines(method(table, None, *args, **kwargs))
        if buf is None:
            return text
        buf.write(text)
        return None

    return cast(_Method, visible)


def visible_info(method: _Method) -> _Method:
    """Return a method that prints, as one that prints a text in which all can be seen."""

    @wraps(method)
    def info(
        table: Any, verbose: bool | None = None, buf: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        text = StringIO()
        method(table, verbose, text, *args, **kwargs)
        (sys.stdout if buf is None else buf).write(safe_lines(text.getvalue()))

    return cast(_Method, info)


def parameters_of(method: _Method) -> Callable[[Callable[..., Any]], _Method]:
    """Return a decorator that gives a method the parameters of one of pandas."""

    def with_parameters(own: Callable[..., Any]) -> _Method:
        vars(own)["__wrapped__"] = method
        return cast(_Method, own)

    return with_parameters
