"""What HubSpot refuses in the values of a record. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.hubspot.sandbox.account import Json, Pipeline, Property

MAX_TEXT = 65_536
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MOMENT = re.compile(r"[0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?Z)?")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One value that HubSpot refuses."""

    name: str
    error: str
    message: str

    def told(self) -> Json:
        """As it stands in the message of a validation error."""
        return {"isValid": False, "message": self.message, "error": self.error, "name": self.name}

    def detail(self) -> Json:
        """As it stands in the list of errors."""
        return {"message": self.message, "code": self.error, "context": {"propertyName": [self.name]}}


def check(
    known: Mapping[str, Property],
    pipelines: Sequence[Pipeline],
    current: Mapping[str, str],
    values: Mapping[str, Any],
) -> list[Wrong]:
    """Return what is wrong with setting these values on a record that has the current ones."""
    wrong = []
    for name, value in values.items():
        prop = known.get(name)
        if prop is None:
            wrong.append(Wrong(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif not isinstance(value, str):
            wrong.append(Wrong(name, "INVALID_TYPE", f"{name} must be a string, even for numbers"))
        else:
            wrong += _refused(prop, value)
    if not wrong and {"dealstage", "pipeline"} & values.keys() and "dealstage" in known:
        wrong += _misplaced(pipelines, {**current, **values})
    return wrong


def left_out(known: Mapping[str, Property], values: Mapping[str, Any]) -> list[Wrong]:
    """Return the properties that a new object must have and has not."""
    return [
        Wrong(prop.name, "REQUIRED_PROPERTY", f"{prop.name} is required to create this object")
        for prop in known.values()
        if prop.required and values.get(prop.name) in (None, "")
    ]


def _refused(prop: Property, value: str) -> Iterator[Wrong]:
    if prop.read_only:
        yield Wrong(prop.name, "READ_ONLY_VALUE", f'"{prop.name}" is a read only property')
    elif prop.options and value and value not in prop.options:
        allowed = ", ".join(prop.options)
        yield Wrong(prop.name, "INVALID_OPTION", f"{value} was not one of the allowed options: [{allowed}]")
    elif prop.type == "number" and value and not _NUMBER.fullmatch(value):
        yield Wrong(prop.name, "INVALID_DOUBLE", f"{value} was not a valid number.")
    elif prop.type == "datetime" and value and not _MOMENT.fullmatch(value):
        yield Wrong(prop.name, "INVALID_DATE", f"{value} was not a valid date.")
    elif prop.https and value and not value.startswith("https://"):
        yield Wrong(prop.name, "INVALID_URL", f"{prop.name} must be an https address")
    elif len(value) > MAX_TEXT:
        yield Wrong(prop.name, "PROPERTY_VALUE_TOO_LONG", f"{prop.name} is longer than {MAX_TEXT} characters")


def _misplaced(pipelines: Sequence[Pipeline], deal: Mapping[str, str]) -> Iterator[Wrong]:
    pipeline = next((each for each in pipelines if each.id == deal.get("pipeline")), None)
    if pipeline is None:
        yield Wrong("pipeline", "INVALID_OPTION", f"{deal.get('pipeline')} is not a pipeline")
        return
    stages = [stage.id for stage in pipeline.stages if not stage.archived]
    stage = deal.get("dealstage")
    if stage and stage not in stages:
        yield Wrong(
            "dealstage",
            "INVALID_OPTION",
            f"{stage} was not one of the allowed options: [{', '.join(stages)}]",
        )
