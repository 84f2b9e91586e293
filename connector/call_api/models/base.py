"""What all shapes share."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field


class ApiModel(BaseModel):
    """A JSON object of the API: unknown fields are ignored, values of the wrong type are refused."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class Answer(ApiModel):
    """Every good answer says so."""

    success: Literal[True] = Field(description="Always true here.", examples=[True])


class Refused(ApiModel):
    """Every refusal: a text for people, a word for machines, and the field to blame where one is."""

    success: Literal[False] = Field(description="Always false here.", examples=[False])
    error: str = Field(description="What is wrong.", examples=["Invalid phone number format"])
    code: str = Field(description="The same for machines.", examples=["invalid_phone_number"])
    field: str | None = Field(default=None, description="The field to blame.", examples=["phone_number"])
    next_window_at: AwareDatetime | None = Field(
        default=None,
        description="Where the hour is why: when the call may be placed at the earliest; null: never.",
        examples=["2026-11-30T14:00:00.000Z"],
    )


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""After the limits of an int, which the document shows: JSON has one kind of number, and 300.0 is as whole as 300."""

PhoneNumber = Annotated[
    str,
    Field(
        pattern=r"^\+[1-9][0-9]{6,14}$",
        description="`+`, country code, number: 7 to 15 digits, nothing else. Nothing is tidied up.",
        examples=["+12025550190"],
    ),
]
