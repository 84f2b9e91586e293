"""GoHighLevel: an opportunity's stage, and workflows that ask for a call."""

from adapters.ghl.adapter import Adapter

__all__ = ["Adapter"]
