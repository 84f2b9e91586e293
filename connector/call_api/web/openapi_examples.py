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


def curl(method: str, path: str, body: Json | None, schemas: Mapping[str, Json]) -> str:
    """A command that does it, for a shell in which $API, $STAGECALL_API_KEY and the ids of the path are set."""
    url = "$API" + _PART.sub(lambda part: f"${part[1].upper()}", path)
    lines = [f'curl -s "{url}"', '-H "Authorization: Bearer $STAGECALL_API_KEY"']
    if method != ("POST" if body is not None else "GET"):
        lines[0] = f'curl -s -X {method} "{url}"'
    if body is not None:
        lines += [
            '-H "Content-Type: application/json"',
            f"-d {shlex.quote(json.dumps(example_of(body, schemas), ensure_ascii=False))}",
        ]
    return " \\\n  ".join(lines)
