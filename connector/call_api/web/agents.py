"""Agents over HTTP."""

from connector.call_api.agents import list_agents
from connector.call_api.models.base import Answer
from connector.call_api.web.route import Asked, Reply, Route


def show_agents(asked: Asked) -> Reply:
    """GET /agents."""
    return Reply({"success": True, "agents": list_agents(asked.conn)})


ROUTES = (Route("GET", "/agents", show_agents, "read", "Every agent, by name", Answer),)
