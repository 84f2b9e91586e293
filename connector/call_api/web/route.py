"""One route: how it is reached, what it takes, what it answers. The server and the OpenAPI document read the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from flask import Response
from pydantic import BaseModel

from connector.call_api.keys import ApiKey, Scope
from connector.call_api.problems import Problem
from connector.call_api.service import CallApi


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a known key that may ask this, read and checked."""

    api: CallApi
    conn: sa.Connection
    """A transaction; committed when the view has answered, undone when it refuses."""
    key: ApiKey
    body: Any = None
    """What the route's `body` model made of the body."""
    query: Any = None
    """What the route's `query` model made of the query."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a view answers: `content` is a mapping that goes out as JSON."""

    content: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


View = Callable[..., Reply | Response]
"""Takes an Asked and the parts of the path by name, and returns a Reply; one that `answers_alone` takes the
CallApi and the parts, and returns either."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path under /api/v1."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    """As Flask writes it: /calls/<call_id>."""
    view: View
    scope: Scope | None
    """What a key must be allowed; None for any key."""
    summary: str
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    refusals: tuple[Problem, ...] = ()
    """Beyond those that every route has."""
    answers_alone: bool = False
    """The view itself asks for the key and reads the body, in an order of its own: the trigger does. Or
    something else stands for a key: a carrier's proof does."""
    keyless: bool = False
    """No key is asked for: what is sent carries a proof of its own. The body is whatever the sender makes."""
    operation_id: str = ""
    """What generated clients call it; left out: the view's name in camelCase. Never change one."""
    description: str = ""
    """What a newcomer wants to know beyond the summary (Markdown)."""
    request_headers: tuple[str, ...] = ()
    """Headers it reads beyond Authorization; described in web/openapi_words.py."""
    answer_headers: tuple[str, ...] = ()
    """Headers that a good answer may have; described there too. Those of refusals come from the Problem."""
