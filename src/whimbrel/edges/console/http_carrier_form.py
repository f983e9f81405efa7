"""The form of a carrier over HTTP: where its requests go, what stands in them, and the paths by which its answers and
calls are read."""

from typing import Final, get_args

from whimbrel.domain import dialect, http_dialect
from whimbrel.domain.http_dialect import HttpSettings
from whimbrel.edges.console.carrier_form import Field, Group, Sheet

HTTP: Final = Sheet(
    (
        Field("profile", "text"), Field("url", "text"), Field("username", "text"),
        Field("auth", "choice", get_args(http_dialect.Auth)), Field("fields", "json"), Field("window", "whole"),
        Field("throughput_per_s", "whole"),
    ),
    (
        Group("request", (
            Field("method", "choice", get_args(http_dialect.Method)),
            Field("encoding", "choice", get_args(http_dialect.Encoding)), Field("headers", "table"),
            Field("encodings", "table"), Field("media", "flag"), Field("response_timeout_s", "decimal"),
            Field("reconnect_min_s", "decimal"), Field("reconnect_max_s", "decimal"),
        )),
        Group("answers", (
            Field("answer_id", "text"), Field("answer_code", "text"), Field("answer_ok", "lines"),
            Field("statuses", "table"), Field("message_id", "choice", get_args(dialect.IdBase)),
            Field("charge_unknown", "flag"),
        )),
        Group("receipts", (
            Field("receipt_items", "text"), Field("receipt_id", "text"), Field("receipt_state", "text"),
            Field("receipt_error", "text"), Field("receipt_to", "text"), Field("receipt_states", "table"),
            Field("receipt_errors", "table"), Field("check", "choice", get_args(http_dialect.Check)),
            Field("callback_version", "whole"),
        )),
        Group("inbound", (
            Field("inbound_items", "text"), Field("inbound_id", "text"), Field("inbound_from", "text"),
            Field("inbound_to", "text"), Field("inbound_text", "text"), Field("inbound_media", "text"),
            Field("inbound_media_auth", "flag"),
        )),
        Group("tls", (
            Field("tls_verify", "flag"), Field("tls_ca_file", "text"), Field("tls_cert_file", "text"),
            Field("tls_key_file", "text"),
        )),
        Group("cells", (Field("cells", "shares"),)),
    ),
    HttpSettings(url=""),
)  # fmt: skip
