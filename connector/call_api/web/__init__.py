"""The HTTP side of the API: what is asked, who asks, how it is answered."""

from connector.call_api.web.answering import PREFIX
from connector.call_api.web.blueprint import create_blueprint

__all__ = ["PREFIX", "create_blueprint"]
