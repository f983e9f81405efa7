"""Scenarios of submits: what stands in place of their response. Numbers 10xx and 11xx."""

from whimbrel.codec.smpp.tables import Status
from whimbrel_sandbox.outcome import DELIVERED, Outcome, Refusal, Reply
from whimbrel_sandbox.scenarios.conduct import Conduct, Scenario, Times, Where


def _reply(number: str, name: str, reply: Reply, about: str, *, accepted: bool = True) -> Scenario:
    receipts = (DELIVERED,) if accepted else ()
    outcome = Outcome(number, name, about, receipts=receipts, reply=reply, accepted=accepted)
    return Scenario(name, Where.SUBMIT, about, outcome=outcome, number=number)


def _refused(number: str, name: str, about: str, status: int, reply: Reply = Reply.RESPONSE) -> Scenario:
    outcome = Outcome(number, name, about, receipts=(), refusal=Refusal(status), accepted=False, reply=reply)
    return Scenario(name, Where.SUBMIT, about, outcome=outcome, number=number, takes="refusal")


def _outcome(outcome: Outcome, takes: str = "") -> Scenario:
    return Scenario(outcome.name, Where.SUBMIT, outcome.about, outcome=outcome, number=outcome.number, takes=takes)


SUBMITS: tuple[Scenario, ...] = (
    _reply("1001", "link_reset", Reply.RESET, "the link is reset in place of a response; not accepted", accepted=False),
    _reply(
        "1002", "unbind_close", Reply.UNBIND_CLOSE, "unbind, and the link closes at once; not accepted", accepted=False
    ),
    _reply("1003", "nack_zero_first", Reply.NACK_FIRST, "generic_nack with sequence number 0, then the response"),
    _reply("1004", "response_length_short", Reply.LENGTH_SHORT, "accepted; the response has a command_length of 8"),
    _reply("1005", "response_length_huge", Reply.LENGTH_HUGE, "accepted; the response has a command_length of 2 GiB"),
    _reply(
        "1006",
        "response_length_beyond",
        Reply.LENGTH_BEYOND,
        "accepted; the response is longer than its command_length says",
    ),
    _reply(
        "1007", "response_length_within", Reply.LENGTH_WITHIN, "accepted; the response claims 64 octets that never come"
    ),
    _reply(
        "1008", "response_command_unknown", Reply.COMMAND_UNKNOWN, "accepted; the response has an unknown command_id"
    ),
    _reply("1009", "request_unknown_first", Reply.REQUEST_UNKNOWN, "a request of no command, then the response"),
    _reply("1010", "unreadable_first", Reply.UNREADABLE, "a framed PDU that nobody can read, then the response"),
    _reply("1011", "response_twice", Reply.TWICE, "the response comes twice"),
    _reply("1012", "response_stray_first", Reply.STRAY, "a response to nothing, then the response"),
    _reply("1013", "response_without_body", Reply.BODY_MISSING, "accepted; the response says success and has no body"),
    _reply("1014", "response_id_empty", Reply.ID_EMPTY, "accepted; the response has an empty message id"),
    _reply("1015", "response_id_open", Reply.ID_OPEN, "accepted; the message id of the response has no NUL"),
    _reply("1016", "response_alien_tlvs", Reply.TLVS, "accepted; the response carries TLVs of vendors"),
    _refused(
        "1101",
        "refused_with_body",
        "ESME_RSUBMITFAIL, or that status, and the response has a body all the same",
        Status.ESME_RSUBMITFAIL,
        Reply.WITH_BODY,
    ),
    _refused("1102", "refused_unknown_status", "a status that no table has (0x00000022)", 0x22),
    _refused("1103", "refused_wide_status", "a status beyond two octets (0x00010000)", 0x10000),
    _refused("1104", "refused", "ESME_RSUBMITFAIL, or that status", Status.ESME_RSUBMITFAIL),
    _outcome(
        Outcome(
            "1105",
            "refused_yet_delivered",
            "ESME_RSYSERR, and delivered all the same, with its receipt",
            refusal=Refusal(Status.ESME_RSYSERR),
            accepted_though_refused=True,
        )
    ),
    _outcome(
        Outcome(
            "1106", "response_slow", "accepted; the response comes after 2 s, or after so many ms", reply_after_ms=2_000
        ),
        "reply_after_ms",
    ),
    _outcome(
        Outcome(
            "1107",
            "responses_shuffled",
            "accepted; the responses come within 1 s, or within so many ms, in any order",
            reply_jitter_ms=1_000,
        ),
        "reply_jitter_ms",
    ),
    Scenario(
        "rate_limited",
        Where.SUBMIT,
        "10 segments in any second of a system_id, or so many; beyond it ESME_RTHROTTLED",
        Conduct(rate_limit=10),
        takes="rate_limit",
    ),
    Scenario(
        "window_limited",
        Where.SUBMIT,
        "10 submits of a bind may be unanswered, or so many; beyond it ESME_RMSGQFUL",
        Conduct(window_limit=10),
        takes="window_limit",
    ),
    Scenario(
        "addresses_strict",
        Where.SUBMIT,
        "refuses addresses whose TON and NPI do not fit: letters are 5/0, numbers 1/1 and without a plus sign",
        Conduct(strict_addresses=True),
    ),
    Scenario(
        "times_absolute",
        Where.SUBMIT,
        "refuses relative times: ESME_RINVSCHED, ESME_RINVEXPIRY",
        Conduct(times=Times.ABSOLUTE),
    ),
    Scenario(
        "times_relative",
        Where.SUBMIT,
        "refuses absolute times: ESME_RINVSCHED, ESME_RINVEXPIRY",
        Conduct(times=Times.RELATIVE),
    ),
    Scenario(
        "times_refused",
        Where.SUBMIT,
        "refuses schedule_delivery_time and validity_period altogether",
        Conduct(times=Times.NONE),
    ),
    Scenario(
        "congested",
        Where.SUBMIT,
        "congestion_state 90, or that number, in each response (SMPP 5.0)",
        Conduct(congestion=90),
        takes="congestion",
    ),
)
