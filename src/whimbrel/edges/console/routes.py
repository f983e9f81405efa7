"""What a page is: where, who may, and what answers."""

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from starlette.responses import Response

from whimbrel.edges.console.request import Request

Handle = Callable[[Request], Awaitable[Response]]
Who = Literal["anyone", "half", "whole"]
"""Anybody; somebody whose second factor is missing still; somebody who has signed in."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address. `confirmed`: only shortly after proving who they are (`/console/confirm`).
    `guessed`: what can be guessed is proved there, so failures (401) are counted by the address they come from."""

    path: str
    handle: Handle
    method: Literal["GET", "POST"] = "GET"
    who: Who = "whole"
    confirmed: bool = False
    guessed: bool = False
