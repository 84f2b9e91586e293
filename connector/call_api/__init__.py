"""Our server of the Trigger Call API. It knows nothing of CRMs, rules or receivers."""

from connector.call_api.service import CallApi
from connector.call_api.settings import CallApiSettings

__all__ = ["CallApi", "CallApiSettings"]
