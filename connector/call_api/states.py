"""The states of a call, and the documented words they are told in."""

from enum import StrEnum

from connector.model import Outcome


class CallState(StrEnum):
    """Where a call stands."""

    QUEUED = "queued"
    DIALING = "dialing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    CANCELED = "canceled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


UNDER_WAY = (CallState.DIALING, CallState.IN_PROGRESS)

STATE_OF_OUTCOME = {
    Outcome.ANSWERED: CallState.COMPLETED,
    Outcome.VOICEMAIL: CallState.VOICEMAIL,
    Outcome.NO_ANSWER: CallState.NO_ANSWER,
    Outcome.BUSY: CallState.BUSY,
    Outcome.FAILED: CallState.FAILED,
    Outcome.CANCELED: CallState.CANCELED,
    Outcome.EXPIRED: CallState.EXPIRED,
    Outcome.UNKNOWN: CallState.UNKNOWN,
}

# Call events know four words: somebody or something took the call, nobody did, or it went wrong.
EVENT_STATUS = {
    CallState.IN_PROGRESS: "in-progress",
    CallState.COMPLETED: "completed",
    CallState.VOICEMAIL: "completed",
    CallState.NO_ANSWER: "no-answer",
    CallState.BUSY: "no-answer",
    CallState.FAILED: "failed",
    CallState.CANCELED: "failed",
    CallState.EXPIRED: "failed",
    CallState.UNKNOWN: "failed",
}
