"""A small HighLevel on this machine: one location, its API, signed events and workflows."""

from adapters.ghl.sandbox.server import Sandbox

__all__ = ["Sandbox"]
