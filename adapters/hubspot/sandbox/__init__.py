"""A small HubSpot on this machine: the official client drives it, and it sends signed deliveries."""

from adapters.hubspot.sandbox.server import Sandbox

__all__ = ["Sandbox"]
