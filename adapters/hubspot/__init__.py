"""HubSpot: a deal's stage."""

from adapters.hubspot.adapter import Adapter

__all__ = ["Adapter"]
