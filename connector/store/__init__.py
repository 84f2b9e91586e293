"""What is kept: tables, migrations and queries as plain functions on a connection."""

from connector.store.schema import migrate

__all__ = ["migrate"]
