"""Who asks, and what the key may."""

from connector.call_api.agents import default_agent
from connector.call_api.models.base import Answer
from connector.call_api.web.route import Asked, Reply, Route


def verify_key(asked: Asked) -> Reply:
    """GET /auth/verify: does this key work? What a connection test asks."""
    agent = default_agent(asked.conn)
    return Reply(
        {
            "success": True,
            "key": {"name": asked.key.name, "last4": asked.key.last4},
            "default_agent": agent.name if agent is not None else None,
            "enabled": asked.key.enabled,
        }
    )


ROUTES = (Route("GET", "/auth/verify", verify_key, None, "Does this key work?", Answer),)
