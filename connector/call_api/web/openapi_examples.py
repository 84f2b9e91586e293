"""Examples made of the examples that the fields have: whole bodies, and commands to try. Pure."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_PART = re.compile(r"\{(\w+)\}")


def example_of(schema: Json, schemas: Mapping[str, Json]) -> Any:
    """A value that fits `schema`: its own first example, else one put together from its parts.

    Raises LookupError for a schema that nothing can be made of: give its field an example.
    """
    if "$ref" in schema and "examples" not in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for kind in (*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        return example_of(kind, schemas)
    return _of_type(schema, schemas)


def _of_type(schema: Json, schemas: Mapping[str, Json]) -> Any:
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {name: example_of(field, schemas) for name, field in schema["properties"].items()}
        case "array" if "items" in schema:
            return [example_of(schema["items"], schemas)]
        case "null":
            return None
    raise LookupError(f"no example can be made of {schema}")


def curl(method: str, path: str, headers: Mapping[str, str], body: Any) -> str:
    """A command that does it, for a shell in which $API, $STAGECALL_API_KEY and the ids of the path are set.

    `body` is sent as JSON; None is no body.
    """
    usual = method == ("POST" if body is not None else "GET")
    url = "$API" + _PART.sub(lambda part: f"${part[1].upper()}", path)
    lines = [f'curl -s "{url}"' if usual else f'curl -s -X {method} "{url}"']
    lines.append('-H "Authorization: Bearer $STAGECALL_API_KEY"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if body is not None:
        text = json.dumps(body, ensure_ascii=False, indent=2)
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(text)}"]
    return " \\\n  ".join(lines)
