"""The OpenAPI 3.1 document, made from the routes that are served and the models that validate. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from connector import __version__
from connector.call_api import problems
from connector.call_api.models.base import Refused
from connector.call_api.problems import Problem
from connector.call_api.web import openapi_words as words
from connector.call_api.web.answering import PREFIX
from connector.call_api.web.openapi_examples import curl, example_of
from connector.call_api.web.route import Route

Json = dict[str, Any]

_PART = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
_REFERENCE = "#/components/schemas/{model}"
_OF_A_KEY = (problems.INVALID_KEY, problems.ACCESS_DISABLED)
_OF_THE_SERVER = (problems.INTERNAL, problems.UNAVAILABLE)
_OF_A_BODY = (
    problems.INVALID_JSON,
    problems.NOT_AN_OBJECT,
    problems.TOO_DEEP,
    problems.NUL_CHARACTER,
    problems.bad_field("name", "a string"),
    problems.BODY_TOO_LARGE,
    problems.NOT_JSON,
    problems.ENCODED,
)
_OF_A_QUERY = (problems.bad_parameter("limit", "a whole number"),)


class _Schemas(GenerateJsonSchema):
    """Without a title on every field, which says its name again; in the order in which people wrote it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def sort(self, value: Any, parent_key: str | None = None) -> Any:
        return value


def describe(routes: Iterable[Route], events: Mapping[str, type[BaseModel]]) -> Json:
    """The document: `routes` as operations, `events` (name: payload) as webhooks."""
    listed = list(routes)
    references, schemas = _schemas(listed, events.values())
    paths: dict[str, Json] = {}
    for route in listed:
        path = _PART.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, path, references, schemas)
    for route in listed:
        if route.query is not None:  # became parameters
            schemas.pop(references[route.query, "validation"]["$ref"].rpartition("/")[2], None)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": words.TITLE,
            "version": __version__,
            "summary": words.SUMMARY,
            "description": words.DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX, "description": "This server."}],
        "security": [{"apiKey": []}],
        "tags": [{"name": name, "description": text} for name, (_, text) in words.TAGS.items()],
        "paths": paths,
        "webhooks": {
            name: _event(name, references[model, "serialization"], schemas) for name, model in events.items()
        },
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": words.ANSWER_HEADERS,
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": words.BEARER}},
        },
    }


def refusals(route: Route) -> tuple[Problem, ...]:
    """Every refusal of a route: its own, and those that come with a key, a body, a query."""
    of_key = _OF_A_KEY if not route.keyless else ()
    scoped = (problems.insufficient_scope(route.scope),) if route.scope is not None else ()
    of_body = _OF_A_BODY if route.body is not None else ()
    of_query = _OF_A_QUERY if route.query is not None else ()
    every = (*of_key, *scoped, *of_body, *of_query, *route.refusals, *_OF_THE_SERVER)
    return tuple(sorted(_unlike(every), key=lambda problem: problem.status))


def _unlike(every: Iterable[Problem]) -> list[Problem]:
    """Without those of the same status, code and text."""
    return list({(problem.status, problem.code, problem.text): problem for problem in every}.values())


References = Mapping[tuple[type[BaseModel], JsonSchemaMode], Json]


def _schemas(
    routes: Sequence[Route], events: Iterable[type[BaseModel]]
) -> tuple[References, dict[str, Json]]:
    """Where each model is found in components/schemas, and these."""
    taken = [model for route in routes for model in (route.body, route.query) if model is not None]
    given: list[type[BaseModel]] = [*(route.answer for route in routes), *events, Refused]
    used: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    used += [(model, "validation") for model in dict.fromkeys(taken)]
    used += [(model, "serialization") for model in dict.fromkeys(given)]
    references, defined = models_json_schema(used, ref_template=_REFERENCE, schema_generator=_Schemas)
    return references, defined["$defs"]  # type: ignore[return-value]  # pydantic names the base class


def _operation(route: Route, path: str, references: References, schemas: Mapping[str, Json]) -> Json:
    body = references[route.body, "validation"] if route.body is not None else None
    operation: Json = {
        "operationId": operation_id(route),
        "tags": [_tag(path)],
        "summary": route.summary,
        "description": _description(route),
        "x-required-scope": route.scope,
        "parameters": [
            *(_path_parameter(name) for name in _PART.findall(route.path)),
            *_query_parameters(route, references, schemas),
            *(words.REQUEST_HEADERS[name] for name in route.request_headers),
        ],
    }
    if body is not None:
        content = {"schema": body, "example": example_of(body, schemas)}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if route.keyless:
        operation["security"] = []
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
    operation["responses"] = _responses(route, references, schemas)
    if not route.keyless:
        headers = {name: words.REQUEST_HEADERS[name]["example"] for name in route.request_headers}
        value = example_of(body, schemas) if body is not None else None
        sample = curl(route.method, path, headers, value)
        operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": sample}]
    return operation


def operation_id(route: Route) -> str:
    """What generated clients call the operation."""
    first, *others = str(getattr(route.view, "__name__", "")).split("_")
    return route.operation_id or first + "".join(word.capitalize() for word in others)


def _tag(path: str) -> str:
    first = path.split("/")[1]
    return next(name for name, (firsts, _) in words.TAGS.items() if first in firsts.split())


def _description(route: Route) -> str:
    scope = f"Needs a key with the scope `{route.scope}`." if route.scope else "Any key may ask this."
    scope = "Needs no key." if route.keyless else scope
    return f"{route.description}\n\n{scope}".strip()


def _path_parameter(name: str) -> Json:
    description, example = words.PATH_PARAMETERS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
        "example": example,
    }


def _query_parameters(route: Route, references: References, schemas: Mapping[str, Json]) -> list[Json]:
    if route.query is None:
        return []
    shape = schemas[references[route.query, "validation"]["$ref"].rpartition("/")[2]]
    return [_query_parameter(name, schema, shape) for name, schema in shape["properties"].items()]


def _query_parameter(name: str, schema: Json, shape: Json) -> Json:
    schema = _without_null(schema)
    parameter: Json = {
        "name": name,
        "in": "query",
        "required": name in shape.get("required", ()),
        "description": schema.pop("description", ""),
        "schema": schema,
    }
    if schema.get("type") == "object":  # metadata[deal_id]=9001; true and null are read as these words
        schema["additionalProperties"] = {"type": ["string", "number", "boolean", "null"]}
        schema["propertyNames"] = {"pattern": r"^[^\[\]]*$"}
        parameter |= {"style": "deepObject", "explode": True}
    if examples := schema.pop("examples", None):
        parameter["example"] = examples[0]
    return parameter


def _without_null(schema: Json) -> Json:
    """A query cannot say null: leave the parameter out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    bare = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **bare}


def _responses(route: Route, references: References, schemas: Mapping[str, Json]) -> Json:
    good = references[route.answer, "serialization"]
    responses: Json = {
        str(route.status): {
            "description": str(schemas[good["$ref"].rpartition("/")[2]].get("description", "It is done.")),
            "headers": _headers(route.answer_headers),
            "content": {"application/json": {"schema": good, "example": example_of(good, schemas)}},
        }
    }
    by_status: dict[int, list[Problem]] = {}
    for problem in refusals(route):
        by_status.setdefault(problem.status, []).append(problem)
    for status, every in by_status.items():
        responses[str(status)] = _refusal(status, every, references[Refused, "serialization"])
    return responses


def _refusal(status: int, every: Sequence[Problem], schema: Json) -> Json:
    examples: dict[str, Json] = {}
    for problem in every:
        name = problem.code if problem.code not in examples else f"{problem.code}_{len(examples)}"
        examples[name] = {"summary": problem.text, "value": problem.body()}
    return {
        "description": words.CAUSES[status],
        "headers": _headers(dict.fromkeys(name for problem in every for name in problem.headers)),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _headers(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _event(name: str, payload: Json, schemas: Mapping[str, Json]) -> Json:
    content = {"schema": payload, "example": example_of(payload, schemas)}
    return {
        "post": {
            "operationId": "receive" + "".join(word.capitalize() for word in name.split("_")),
            "tags": ["Webhooks"],
            "summary": words.EVENTS[name],
            "description": words.DELIVERY,
            "security": [],
            "parameters": words.DELIVERY_HEADERS,
            "requestBody": {"required": True, "content": {"application/json": content}},
            "responses": words.DELIVERY_ANSWERS,
        }
    }
