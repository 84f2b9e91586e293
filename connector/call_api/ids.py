"""Our ids as they come from outside."""

from uuid import UUID


def as_uuid(text: str | None) -> str | None:
    """The UUID that `text` is, written as the database writes it; None where it is none."""
    try:
        return str(UUID(text)) if text is not None else None
    except ValueError:
        return None
