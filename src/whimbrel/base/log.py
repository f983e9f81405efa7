"""Structured logs, one JSON object a line on stderr. Numbers and texts of people never reach a line: fields are
masked here, by name and by shape, whoever writes them.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_NUMBER = re.compile(r"(?<![\w.])(\+|%2B)?(\d{2,4})(\d{4,8})(\d{3})(?![\w.])")
_ADDRESS = re.compile(r"(?<![\w.+-])([\w+-])[\w.+-]*@((?:[\w-]+\.)+[A-Za-z]{2,})")
_SECRET_FIELDS = frozenset({"text", "body", "password", "secret", "token", "auth_token", "api_key", "code"})
_BROKERS = ("aiokafka", "nats")  # their clients tell each try in vain; who uses them tells the first
_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {"message", "asctime", "taskName"}


def mask_number(number: str) -> str:
    """+447700900123 -> +4477•••••123: enough to recognise, too little to call."""
    digits = number.lstrip("+")
    if len(digits) < 7:
        return "•" * len(digits)
    lead = "+" if number.startswith("+") else ""
    return f"{lead}{digits[:4]}{'•' * (len(digits) - 7)}{digits[-3:]}"


def mask_text(text: str) -> str:
    """Any run of 9 to 15 digits in a line is taken for a phone number and masked, and so are addresses of mail."""
    if "@" in text:
        text = _ADDRESS.sub(r"\1•••@\2", text)
    return _NUMBER.sub(lambda m: f"{m[1] or ''}{m[2]}{'•' * len(m[3])}{m[4]}", text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line; fields given as `extra` stand beside the message, masked. `process` stands in each, where
    several processes write one log."""

    def __init__(self, process: str = "") -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask_text(record.getMessage()),
        }
        if self._process:
            line["process"] = self._process
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                line[name] = _masked(name, value)
        if record.exc_info:
            line["exception"] = mask_text(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def _masked(name: str, value: object) -> object:
    if name in _SECRET_FIELDS:
        return "•••"
    return mask_text(value) if isinstance(value, str) else value


def configure(level: str = "info", stream: TextIO | None = None, *, process: str = "") -> None:
    """Send all logs of this process as JSON lines to `stream` (stderr by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("uvicorn.access").disabled = True
    for name in _BROKERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
