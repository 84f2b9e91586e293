"""Agents over HTTP: list, look at, make, change, archive."""

from typing import Any, cast

from connector.call_api import problems
from connector.call_api.agents import (
    AgentFields,
    Archived,
    DefaultStays,
    NameTaken,
    agent_answer,
    change_agent,
    create_agent,
    get_agent,
    list_agents,
)
from connector.call_api.models.agents import AgentChange, Agents, AgentsQuery, NewAgent, OneAgent
from connector.call_api.problems import Refusal
from connector.call_api.service import CallApi
from connector.call_api.web.route import Asked, Reply, Route


def show_agents(asked: Asked) -> Reply:
    """GET /agents."""
    query: AgentsQuery = asked.query
    found = list_agents(asked.conn, archived=query.archived)
    return Reply({"success": True, "agents": [agent_answer(agent) for agent in found]})


def show_agent(asked: Asked, agent_id: str) -> Reply:
    """GET /agents/{agent_id}, an archived one too."""
    agent = get_agent(asked.conn, agent_id)
    if agent is None:
        raise Refusal(problems.NO_SUCH_AGENT)
    return Reply({"success": True, **agent_answer(agent)})


def make_agent(asked: Asked) -> Reply:
    """POST /agents."""
    body: NewAgent = asked.body
    fields = _fields(body, asked.api)
    try:
        agent = create_agent(asked.conn, fields, now=asked.api.clock())
    except NameTaken:
        raise Refusal(problems.AGENT_NAME_TAKEN) from None
    return Reply({"success": True, **agent_answer(agent)}, status=201)


def alter_agent(asked: Asked, agent_id: str) -> Reply:
    """PATCH /agents/{agent_id}: what is left out stays."""
    body: AgentChange = asked.body
    agent = get_agent(asked.conn, agent_id)
    if agent is None:
        raise Refusal(problems.NO_SUCH_AGENT)
    fields = _fields(body, asked.api)
    try:
        agent = change_agent(asked.conn, agent.id, fields, now=asked.api.clock())
    except NameTaken:
        raise Refusal(problems.AGENT_NAME_TAKEN) from None
    except DefaultStays:
        raise Refusal(problems.DEFAULT_AGENT_STAYS) from None
    except Archived:
        raise Refusal(problems.AGENT_ARCHIVED) from None
    return Reply({"success": True, **agent_answer(agent)})


def _fields(body: NewAgent | AgentChange, api: CallApi) -> AgentFields:
    """What the body says. Raises Refusal (400) for a carrier that there is not."""
    if body.carrier is not None and body.carrier not in api.carriers:
        raise Refusal(problems.bad_field("carrier", f"one of: {', '.join(sorted(api.carriers))}"))
    given: Any = body.model_dump(include=body.model_fields_set)
    return cast(AgentFields, given)


_UNKNOWN_CARRIER = problems.bad_field("carrier", "one of: simulated")

ROUTES = (
    Route(
        "GET",
        "/agents",
        show_agents,
        "read",
        "Every agent, by name",
        Agents,
        query=AgentsQuery,
        operation_id="listAgents",
    ),
    Route(
        "GET",
        "/agents/<agent_id>",
        show_agent,
        "read",
        "One agent",
        OneAgent,
        refusals=(problems.NO_SUCH_AGENT,),
        operation_id="getAgent",
    ),
    Route(
        "POST",
        "/agents",
        make_agent,
        "admin",
        "Make an agent",
        OneAgent,
        body=NewAgent,
        status=201,
        operation_id="createAgent",
        refusals=(_UNKNOWN_CARRIER, problems.AGENT_NAME_TAKEN),
        description="`default: true` moves the default here from the agent that had it.",
    ),
    Route(
        "PATCH",
        "/agents/<agent_id>",
        alter_agent,
        "admin",
        "Change an agent, archive it or bring it back",
        OneAgent,
        body=AgentChange,
        operation_id="updateAgent",
        refusals=(
            _UNKNOWN_CARRIER,
            problems.NO_SUCH_AGENT,
            problems.AGENT_NAME_TAKEN,
            problems.DEFAULT_AGENT_STAYS,
            problems.AGENT_ARCHIVED,
        ),
        description="Only what is in the body changes; null clears. Calls that were accepted keep the agent as it "
        "was, and are still placed when it is archived.",
    ),
)
