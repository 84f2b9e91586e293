"""Who asks, and what the key may."""

from connector.call_api.agents import count_agents, default_agent
from connector.call_api.keys import ApiKey
from connector.call_api.limits import calls_under_way, look
from connector.call_api.models.account import Account, Verified
from connector.call_api.present import moment
from connector.call_api.web.route import Asked, Reply, Route


def verify_key(asked: Asked) -> Reply:
    """GET /auth/verify: does this key work? What a connection test asks."""
    return Reply(
        {
            "success": True,
            "key": _shown(asked.key),
            "default_agent": _default_name(asked),
            "enabled": asked.key.enabled,
        }
    )


def show_account(asked: Asked) -> Reply:
    """GET /account: what the key works with, and what it has left."""
    return Reply(
        {
            "success": True,
            "key": _shown(asked.key),
            "limits": _limits(asked),
            "carrier": asked.api.carrier.name,
            "default_agent": _default_name(asked),
            "agents": count_agents(asked.conn),
        }
    )


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "last4": key.last4,
        "scopes": key.scopes,
        "expires_at": moment(key.expires_at),
    }


def _limits(asked: Asked) -> dict[str, object]:
    api, key_id = asked.api, asked.key.id
    most = api.settings.max_per_minute
    left = look(asked.conn, key_id, most, api.clock()) if most is not None else None
    return {
        "max_per_minute": most,
        "remaining": left.remaining if left is not None else None,
        "reset_seconds": left.reset_seconds if left is not None else None,
        "max_concurrent_calls": api.settings.max_concurrent_calls,
        "calls_under_way": calls_under_way(asked.conn, key_id),
    }


def _default_name(asked: Asked) -> str | None:
    agent = default_agent(asked.conn)
    return agent.name if agent is not None else None


ROUTES = (
    Route("GET", "/auth/verify", verify_key, None, "Does this key work?", Verified),
    Route(
        "GET",
        "/account",
        show_account,
        None,
        "What this key may, and has left",
        Account,
        operation_id="getAccount",
    ),
)
