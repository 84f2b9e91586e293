"""The connector: a deal enters a stage, a voice agent calls, the outcome stands on the deal."""

__version__ = "0.1.0"
