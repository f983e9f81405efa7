"""The closed list of event types; docs/events.md lists them (a test compares). Bodies of events are built in
`domain/callbacks.py`, at delivery, from the stored row.
"""

from whimbrel.domain.states import STATES

EVENT_TYPES: dict[str, str] = {
    **{f"message.{state.name}": state.meaning for state in STATES.values()},
    "message.receipt": "A receipt came that changed nothing: an intermediate or contradicting one, or one of several segments. One that repeats is only counted.",
    "message.redacted": "Text and numbers were erased.",
    "opt_out.created": "A number opted out.",
    "opt_out.deleted": "A number opted in again.",
    "webhook.disabled": "An endpoint was switched off: it answered 410, or took nothing for three days.",
    "webhook.exhausted": "An event could not be delivered within three days.",
}


def matches(patterns: tuple[str, ...], event_type: str) -> bool:
    """Whether an endpoint that asked for `patterns` ("*", "message.*" or whole names) wants this event."""
    family = event_type.partition(".")[0] + ".*"
    return "*" in patterns or event_type in patterns or family in patterns
