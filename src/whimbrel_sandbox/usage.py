"""What `--help` prints: every option with its default and its meaning."""

import shutil
import textwrap

from whimbrel_sandbox.settings import Settings

_HEAD = """Usage: {program} [OPTION VALUE]...

An SMSC with pretend phones, to send to over SMPP. Its first line on standard
output is its address as JSON; SIGTERM stops it. docs/sandbox.md has its
reserved numbers, its log and its HTTP control.

Options, with their defaults in brackets:
"""
_MEANING = {  # as docs/sandbox.md has it
    "host": "address to listen on, for SMPP and HTTP",
    "smpp_port": "port for SMPP; 0 takes a free one",
    "http_port": "port for the HTTP control; 0 takes a free one, null has no control",
    "provider_port": "port for the provider over HTTP; 0 takes a free one; without it there is none",
    "log": "path of the log file, appended to; counts keeps no log at all (for benchmarks); without it"
    " the log is kept in memory only",
    "seed": "makes ids, jitter and shuffling the same in every run; without it they differ",
    "ids": "form of message ids: sequential (short hex, starts at another place after a restart), hex "
    "(8 digits, capitals), decimal (10 digits), random (16 hex digits), uuid",
    "system_id": "the only system_id that may bind; any, without it",
    "password": "the only password; any, without it",
    "scenario": "scenarios for everyone from the start, as NAME or NAME=VALUE, separated by commas",
    "tls_cert": "path of the certificate (PEM, with its chain) of a second SMPP port that speaks TLS",
    "tls_key": "path of its private key (PEM), when it does not stand beside the certificate",
    "tls_client_ca": "path of the certificates (PEM) that clients on that port must have theirs from; "
    "without it none is asked for",
    "tls_port": "port for SMPP over TLS; 0 takes a free one; used with a certificate only",
    "response_latency_ms": "milliseconds before each submit_sm_resp",
    "receipt_delay_ms": "milliseconds before each receipt, on top of the outcome's own delay",
    "receipt_jitter_ms": "up to so many milliseconds more, drawn for each receipt",
    "receipt_share": "share of messages, 0 to 1, whose receipts are sent at all",
    "rate_limit": "segments in any second of one system_id; beyond it ESME_RTHROTTLED; 0 is no limit",
    "window_limit": "submits of one bind that may be unanswered; beyond it ESME_RMSGQFUL; 0 is no limit",
    "time_scale": "multiplies the delays of the outcomes and of validity; 0.001 turns seconds into milliseconds",
    "deliver_window": "deliver_sm that one bind may leave unanswered",
    "deliver_timeout_ms": "a deliver_sm without an answer is sent again after this",
    "deliver_retry_ms": "a refused deliver_sm is sent again after this, then after twice this, up to ten times; "
    "ESME_RX_P_APPN and ESME_RX_R_APPN are final",
    "enquire_link_ms": "a bind that was silent for this long is asked by enquire_link; 0 never",
    "validity_ms": "how long a message waits for a phone that is off, when it has no validity_period of its own",
    "phones": "how many phones keep an inbox; the oldest are forgotten first",
    "inbox": "texts kept in each inbox",
}
_INDENT = 26
_WIDEST = 100


def usage(program: str) -> str:
    """The whole text, as wide as the terminal."""
    lines = [_HEAD.format(program=program)]
    for name, default in zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True):
        lines.append(_option(name, f"{_MEANING[name]} [{'none' if default is None else default}]"))
    return "\n".join([*lines, f"  {'--help':<{_INDENT - 2}}show this and end", ""])


def _option(name: str, words: str) -> str:
    option = f"  --{name.replace('_', '-')}"
    width = max(_INDENT + 20, min(_WIDEST, shutil.get_terminal_size().columns))
    wrapped = textwrap.wrap(
        words, width, initial_indent=f"{option:<{_INDENT}}", subsequent_indent=" " * _INDENT, break_on_hyphens=False
    )
    return "\n".join(wrapped)
