"""What the product says of a rule file."""

from connector.adapter import find_adapter
from connector.errors import ConfigError
from connector.mapping.rules import load_rules
from connector.rulebook import vocabulary


def said(text: str, *replaced: tuple[str, str], crm: str = "hubspot") -> list[str]:
    """All mistakes of the text with these replacements, else all warnings."""
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new, 1)
    try:
        return [str(each) for each in load_rules(text, "rules.yaml", vocabulary(find_adapter(crm))).warnings]
    except ConfigError as error:
        return [str(each) for each in error.mistakes]
