"""Prompt variables: what an agent's prompt is told of the person, made from a trigger. Pure."""

from collections.abc import Mapping

from connector.call_api.body import Trigger, plain_fields

_METADATA = "metadata."


def prompt_variables(wanted: Mapping[str, str], trigger: Trigger) -> dict[str, str]:
    """Each variable with its text; those whose source (`name`, `email`, `metadata.KEY`) is not there are left out.

    Numbers and booleans are as they were written, lists and objects are JSON.
    """
    if not wanted:
        return {}
    known = {"name": trigger.name, "email": trigger.email}
    known |= {_METADATA + name: text for name, text in plain_fields(trigger.metadata).items()}
    found = {variable: known.get(source) for variable, source in wanted.items()}
    return {variable: text for variable, text in found.items() if text is not None}
