"""GET /openapi.json and GET /docs: the API described for programs and for people. Neither asks for a key.

The page is plain HTML made from the same document. It loads nothing, runs nothing and has no state, so it reads
the same without a network, without JavaScript, and on a phone.
"""

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any

import jinja2
from flask import Blueprint, Response, request
from markdown_it import MarkdownIt
from markupsafe import Markup

from connector.call_api.models.events import EVENTS
from connector.call_api.web.answering import PREFIX, json_answer
from connector.call_api.web.openapi import Json, describe
from connector.call_api.web.route import Route

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("connector.call_api.web"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["json"] = partial(json.dumps, ensure_ascii=False)
_TEMPLATES.filters["pretty"] = partial(json.dumps, ensure_ascii=False, indent=2)
_STYLE = (files("connector.call_api.web") / "templates" / "docs.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_pages(blueprint: Blueprint, routes: Sequence[Route]) -> None:
    """Let `blueprint` describe `routes`."""

    @cache
    def document() -> Json:
        return describe(routes, EVENTS)

    @blueprint.get("/openapi.json")
    def openapi_json() -> Response:
        return json_answer(document(), headers={"Cache-Control": "no-cache"})

    @blueprint.get("/docs")
    def docs() -> Response:
        page = render(document(), request.host_url.rstrip("/") + PREFIX)
        return Response(page, mimetype="text/html", headers=_PAGE_HEADERS)


def render(document: Json, url: str) -> str:
    """The page; `url` is where its reader reaches the API."""
    return _TEMPLATES.get_template("docs.html").render(
        document=document,
        groups=[(tag, _operations(document["paths"], tag["name"])) for tag in document["tags"]],
        events=[(name, item["post"]) for name, item in document["webhooks"].items()],
        export=f"export API={shlex.quote(url)}",
        style=Markup(_STYLE),  # noqa: S704  our own file
        markdown=_markdown,
        limits=_limits,
    )


def _operations(paths: Mapping[str, Json], tag: str) -> list[tuple[str, str, Json]]:
    """Method, path and operation of each that has the tag."""
    return [
        (method.upper(), path, operation)
        for path, item in paths.items()
        for method, operation in item.items()
        if tag in operation["tags"]
    ]


def _markdown(text: str) -> Markup:
    """Descriptions are Markdown; HTML in them is shown, not obeyed."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704


_LIMITS = {
    "minLength": "at least {} long",
    "maxLength": "at most {} long",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "pattern": "matches {}",
}


def _limits(schema: Mapping[str, Any]) -> list[str]:
    """What a value must keep to, in words."""
    kinds = [schema, *schema.get("anyOf", ())]
    return [words.format(kind[name]) for kind in kinds for name, words in _LIMITS.items() if name in kind]
