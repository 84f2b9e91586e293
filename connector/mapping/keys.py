"""How a key of a rule file is declared: once, on the field of the frozen value that it becomes.

From these declarations come the published JSON Schema, the check of a file's shape, and the reference that
`stagecall rules docs` prints. A field without a Key is ours and no key of the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from connector.mapping.words import folded

Shape = Mapping[str, Any]
"""A JSON Schema of a value."""

TEXT: Final[Shape] = {"type": "string"}
FILLED: Final[Shape] = {"type": "string", "pattern": "\\S"}
"""A text that is not only blanks."""
WORD: Final[Shape] = {"type": ["string", "integer"], "pattern": "\\S"}
"""A label or an id; ids may be written as numbers."""
WORDS: Final[Shape] = {
    "type": ["string", "integer", "array"],
    "pattern": "\\S",
    "minItems": 1,
    "items": WORD,
}
FLAG: Final[Shape] = {"type": "boolean"}
OTHERS: Final = "*"
"""The name of a Key that stands for every key that the section does not name."""


def one_of(words: type[StrEnum], *others: str) -> Shape:
    """One word of a closed list."""
    return {"enum": [*(each.value for each in words), *others]}


def some_of(words: type[StrEnum], *others: str) -> Shape:
    """One word of a closed list, or a list of several; `others` are words that stand alone."""
    several = {"type": "array", "uniqueItems": True, "items": one_of(words)}
    return {"anyOf": [one_of(words, *others), several | ({"minItems": 1} if others else {})]}


class _NoDefault:
    """The mark of a key that must be there."""


NO_DEFAULT: Final = _NoDefault()


@dataclass(frozen=True, slots=True)
class Key:
    """What people and editors are told about a key, and which values it takes."""

    title: str
    about: str
    shape: Shape
    """Beside `section`, what the section's own schema does not say."""
    examples: Sequence[Any]
    default: Any = NO_DEFAULT
    """The value that says the same as leaving the key out; every key has one that is not required."""
    name: str = ""
    """As the file spells it, where that is no name for a field: `if`, `from`; OTHERS."""
    section: type | None = None
    """The keys below it: a dataclass with Keys. In a list the items are such sections."""
    required: bool = False
    instead: str = ""
    """A word that may stand in the place of the section."""


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping of the file and its keys, by the names that the file uses."""

    name: str
    about: str
    keys: Mapping[str, Key]

    @property
    def required(self) -> list[str]:
        """The keys that must be there."""
        return [name for name, key in self.keys.items() if key.required]


@cache
def section_of(model: type, name: str) -> Section:
    """Return the keys that a dataclass declares; its docstring is what the section is about."""
    hints = get_type_hints(model, include_extras=True)
    keys = {}
    for each in fields(model):
        hint = hints[each.name]
        found = next((one for one in get_args(hint) if isinstance(one, Key)), None)
        if get_origin(hint) is not Annotated or found is None:
            continue
        has_default = each.default is not MISSING or each.default_factory is not MISSING
        says_default = found.default is not NO_DEFAULT or found.name == OTHERS
        if found.required == has_default or found.required == says_default:
            raise TypeError(f"{model.__name__}.{each.name}: a key is required, or has a default, never both")
        keys[found.name or each.name] = found
    return Section(name, (model.__doc__ or "").strip().splitlines()[0], keys)


def given(model: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a section of a file that say more than their default says."""
    keys = section_of(model, "").keys
    return {
        name: value for name, value in raw.items() if name not in keys or not _is_default(value, keys[name])
    }


def _is_default(value: Any, key: Key) -> bool:
    if isinstance(value, str) and isinstance(key.default, str) and key.default:
        return folded(value) == folded(key.default)
    return type(value) is type(key.default) and bool(value == key.default)


def sections_of(model: type, name: str) -> Iterator[tuple[type, Section]]:
    """Yield the section of a dataclass and all those below it, the outer ones first."""
    found = section_of(model, name)
    yield model, found
    names: dict[type, list[str]] = {}
    for below, key in found.keys.items():
        if key.section is not None:
            names.setdefault(key.section, []).append(below)
    for section, several in names.items():
        yield from sections_of(section, ", ".join(several))


def schema_of(model: type, title: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a file that becomes `model`."""
    (_, whole), *parts = sections_of(model, title)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_section_schema(whole),
        "$defs": {
            _def_name(part): {"title": _title(each.name), **_section_schema(each)} for part, each in parts
        },
    }


def _section_schema(section: Section) -> dict[str, Any]:
    keys = {name: _key_schema(key) for name, key in section.keys.items()}
    return {
        "description": section.about,
        "type": "object",
        "additionalProperties": keys.pop(OTHERS, False),
        "required": section.required,
        "properties": keys,
    }


def _key_schema(key: Key) -> dict[str, Any]:
    shape = dict(key.shape)
    if key.section is not None:
        link: dict[str, Any] = {"$ref": f"#/$defs/{_def_name(key.section)}"}
        if key.instead:
            link = {"anyOf": [{"enum": [key.instead]}, link]}
        shape |= {"items": link} if shape.get("type") == "array" else link
    default = {} if key.default is NO_DEFAULT else {"default": key.default}
    return {"title": key.title, "description": key.about, **shape, **default, "examples": list(key.examples)}


def _def_name(model: type) -> str:
    return model.__name__


def _title(name: str) -> str:
    """The section's name in sentences: that of its key, one item of a list in the singular."""
    return {"rules": "rule"}.get(name, name)
