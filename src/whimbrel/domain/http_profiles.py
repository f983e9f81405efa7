"""Settings for providers whose HTTP API is known: how they take a text, how they answer, what they call back with.

Data only, as `profiles` is for dialects of SMPP: each names its source, and is written into a carrier's settings when
that is made or changed. Errors stand here as far as the provider's documentation says what they mean; any other one is
what its state or HTTP status says.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from whimbrel.domain.profiles import Profile
from whimbrel.domain.refusals import REASONS

_ALL: Final = (
    Profile(
        "twilio",
        "Programmable Messaging: `username` is the account's SID, `password` its auth token, by which receipts and "
        "texts are known to be Twilio's",
        "Twilio: Message resource, Track the status of outbound messages, Error dictionary, Webhooks security",
        {
            "url": "https://api.twilio.com/2010-04-01/Accounts/{username}/Messages.json",
            "encoding": "form",
            "auth": "basic",
            "fields": {
                "To": "{to}", "From": "{from}", "Body": "{text}", "MediaUrl": "{media}",
                "StatusCallback": "{callback}",
            },
            "media": True,
            "answer_id": "sid",
            "answer_code": "code",
            "statuses": {
                "21211": "invalid_destination", "21212": "invalid_source", "21408": "temporary",
                "21601": "invalid_source", "21606": "invalid_source", "21608": "temporary", "21610": "barred",
                "21611": "throttled", "21614": "invalid_destination",
            },
            "receipt_id": "MessageSid",
            "receipt_state": "MessageStatus",
            "receipt_error": "ErrorCode",
            "receipt_to": "To",
            "receipt_errors": {
                "30003": "absent_subscriber", "30004": "barred", "30005": "unknown_subscriber", "30006": "barred",
                "30007": "filtered", "30023": "daily_cap_reached", "30034": "filtered", "30036": "expired_at_carrier",
            },
            "check": "twilio",
            "inbound_id": "MessageSid",
            "inbound_from": "From",
            "inbound_to": "To",
            "inbound_text": "Body",
            "inbound_media": "[MediaUrl0, MediaUrl1, MediaUrl2, MediaUrl3, MediaUrl4, MediaUrl5, MediaUrl6, MediaUrl7, "
            "MediaUrl8, MediaUrl9]",
            "inbound_media_auth": True,
        },
        kind="http",
        needs=("username", "password"),
    ),
    Profile(
        "vonage",
        "SMS API: `username` is the API key, `password` the API secret. It takes at most 100 characters for a "
        "callback, so the address for receipts is set in its dashboard, as that for texts is",
        "Vonage: SMS API reference, Troubleshooting SMS, help 204014733",
        {
            "url": "https://rest.nexmo.com/sms/json",
            "encoding": "form",
            "fields": {
                "api_key": "{username}", "api_secret": "{password}", "to": "{to_digits}", "from": "{from_digits}",
                "text": "{text}", "type": "{encoding}", "client-ref": "{reference}",
            },
            "encodings": {"gsm7": "text", "ucs2": "unicode"},
            "throughput_per_s": 30,
            "answer_id": 'messages[0]."message-id"',
            "answer_code": "messages[0].status",
            "answer_ok": ["0"],
            "statuses": {
                "1": "throttled", "4": "temporary", "5": "doubt", "6": "invalid_destination", "7": "barred",
                "8": "temporary", "9": "temporary", "10": "throttled", "11": "temporary", "14": "temporary",
                "15": "invalid_source", "29": "temporary", "33": "unknown_subscriber",
            },
            "receipt_id": "messageId",
            "receipt_state": "status",
            "receipt_error": '"err-code"',
            "receipt_errors": {
                "2": "absent_subscriber", "3": "unknown_subscriber", "4": "barred", "5": "network_error",
                "6": "filtered", "7": "absent_subscriber", "8": "network_error", "9": "barred",
                "10": "carrier_rejected", "11": "invalid_destination", "12": "invalid_destination", "13": "barred",
                "14": "barred",
            },
            "inbound_id": "messageId",
            "inbound_from": "msisdn",
            "inbound_to": "to",
            "inbound_text": "text",
        },
        kind="http",
        needs=("username", "password"),
    ),
    Profile(
        "infobip",
        "SMS API v3: `password` is an API key; `url` may be that of the account's own host, which is quicker",
        "Infobip: Send SMS message, Receive outbound SMS message report, Response status and error codes",
        {
            "url": "https://api.infobip.com/sms/3/messages",
            "headers": {"Authorization": "App {password}", "Accept": "application/json"},
            "fields": {
                "messages": [
                    {
                        "sender": "{from_digits}",
                        "destinations": [{"to": "{to_digits}"}],
                        "content": {"text": "{text}"},
                        "webhooks": {"delivery": {"url": "{callback}"}, "contentType": "application/json"},
                    }
                ]
            },
            "answer_id": "messages[0].messageId",
            "answer_code": "messages[0].status | (groupName == 'REJECTED' && name || groupName)",
            "answer_ok": ["PENDING", "ACCEPTED", "DELIVERED"],
            "statuses": {"REJECTED_NOT_ENOUGH_CREDITS": "temporary"},
            "receipt_items": "results",
            "receipt_id": "messageId",
            "receipt_state": "status.groupName",
            "receipt_error": "error.name",
            "receipt_to": "to",
            "receipt_errors": {
                "EC_UNKNOWN_SUBSCRIBER": "unknown_subscriber", "EC_UNIDENTIFIED_SUBSCRIBER": "unknown_subscriber",
                "EC_ABSENT_SUBSCRIBER": "absent_subscriber", "EC_ABSENT_SUBSCRIBER_SM": "absent_subscriber",
                "EC_ILLEGAL_SUBSCRIBER": "barred", "EC_CALL_BARRED": "barred",
            },
            "inbound_items": "results",
            "inbound_id": "messageId",
        },
        kind="http",
        needs=("password",),
    ),
    Profile(
        "telnyx",
        "Messaging API v2: `password` is an API key. A name as sender wants the field `messaging_profile_id` as well",
        "Telnyx: Send a message, Receiving webhooks, Messaging error codes",
        {
            "url": "https://api.telnyx.com/v2/messages",
            "auth": "bearer",
            "fields": {
                "from": "{from}", "to": "{to}", "text": "{text}", "media_urls": "{media}",
                "webhook_url": "{callback}", "use_profile_webhooks": False,
            },
            "media": True,
            "answer_id": "data.id",
            "answer_code": "errors[0].code",
            "statuses": {"10001": "invalid_source"},
            "receipt_items": "[data][?event_type=='message.sent' || event_type=='message.finalized'].payload",
            "receipt_id": "id",
            "receipt_state": "to[0].status",
            "receipt_error": "errors[0].code",
            "receipt_to": "to[0].phone_number",
            "receipt_errors": {
                "40001": "barred", "40002": "filtered", "40003": "filtered", "40004": "carrier_rejected",
                "40005": "expired_at_carrier", "40006": "network_error", "40012": "invalid_destination",
                "40013": "invalid_source", "40014": "expired_at_carrier", "40015": "filtered",
            },
            "inbound_items": "[data][?event_type=='message.received'].payload",
            "inbound_from": "from.phone_number",
            "inbound_to": "to[0].phone_number",
            "inbound_media": "media[].url",
        },
        kind="http",
        needs=("password",),
    ),
    Profile(
        "plivo",
        "Messages API: `username` is the auth id, `password` the auth token",
        "Plivo: Send a message, Message status callbacks, Messaging error codes",
        {
            "url": "https://api.plivo.com/v1/Account/{username}/Message/",
            "auth": "basic",
            "fields": {
                "src": "{from_digits}", "dst": "{to_digits}", "text": "{text}", "url": "{callback}",
                "method": "POST",
            },
            "answer_id": "message_uuid[0]",
            "receipt_id": "MessageUUID",
            "receipt_state": "Status",
            "receipt_error": "ErrorCode",
            "receipt_errors": {
                "10": "carrier_rejected", "20": "network_error", "30": "filtered", "40": "invalid_source",
                "50": "invalid_destination",
            },
            "inbound_id": "MessageUUID",
            "inbound_from": "From",
            "inbound_to": "To",
            "inbound_text": "Text",
        },
        kind="http",
        needs=("username", "password"),
    ),
    Profile(
        "sinch",
        "SMS REST API: `username` is the service plan's id, `password` its token; `url` names the region (us, eu, …)",
        "Sinch: SMS batches, SMS webhooks, Delivery report error codes",
        {
            "url": "https://us.sms.api.sinch.com/xms/v1/{username}/batches",
            "auth": "bearer",
            "fields": {
                "from": "{from_digits}", "to": ["{to_digits}"], "body": "{text}", "delivery_report": "per_recipient",
                "callback_url": "{callback}",
            },
            "answer_code": "code",
            "receipt_id": "batch_id",
            "receipt_state": "status",
            "receipt_error": "code",
            "receipt_to": "recipient",
            "receipt_errors": {
                "402": "invalid_destination", "403": "network_error", "404": "network_error",
                "406": "expired_at_carrier", "407": "deleted_at_carrier", "408": "carrier_rejected",
                "410": "invalid_source", "411": "carrier_rejected",
            },
            "inbound_text": "body",
        },
        kind="http",
        needs=("username", "password"),
    ),
    Profile(
        "messagebird",
        "Bird's SMS API of old (rest.messagebird.com): `password` is an access key; receipts come as a query",
        "MessageBird: SMS API, as nyaruka/courier and the clients of MessageBird use it",
        {
            "url": "https://rest.messagebird.com/messages",
            "headers": {"Authorization": "AccessKey {password}"},
            "fields": {
                "originator": "{from_digits}", "recipients": ["{to_digits}"], "body": "{text}",
                "reference": "{reference}", "datacoding": "{encoding}", "reportUrl": "{callback}",
            },
            "encodings": {"gsm7": "plain", "ucs2": "unicode"},
            "answer_code": "errors[0].code",
            "statuses": {"25": "temporary"},
            "receipt_error": "statusErrorCode",
            "receipt_to": "recipient",
            "receipt_errors": {"103": "barred"},
            "inbound_from": "originator",
            "inbound_to": "recipient",
            "inbound_text": "body",
            "inbound_media": "mediaUrls",
        },
        kind="http",
        needs=("password",),
    ),
    Profile(
        "bandwidth",
        "Messaging API v2: `url` is https://messaging.bandwidth.com/api/v2/users/ACCOUNT/messages, the field "
        "`applicationId` names the application, of which both callbacks are set",
        "Bandwidth: Create message, Message events, Messaging error codes",
        {
            "auth": "basic",
            "fields": {"from": "{from}", "to": ["{to}"], "text": "{text}", "media": "{media}", "tag": "{reference}"},
            "media": True,
            "receipt_items": "[?type!='message-received']",
            "receipt_id": "message.id",
            "receipt_state": "type",
            "receipt_error": "errorCode",
            "receipt_to": "to",
            "receipt_states": {
                "message-sending": "ENROUTE", "message-delivered": "DELIVERED", "message-failed": "UNDELIVERABLE",
            },
            "receipt_errors": {
                "4302": "invalid_source", "4303": "invalid_destination", "4360": "expired_at_carrier",
                "4403": "invalid_source",
            },
            "inbound_items": "[?type=='message-received']",
            "inbound_id": "message.id",
            "inbound_from": "message.from",
            "inbound_to": "to",
            "inbound_text": "message.text",
            "inbound_media": "message.media",
            "inbound_media_auth": True,
        },
        kind="http",
        needs=("url", "username", "password", "fields.applicationId"),
    ),
    Profile(
        "whimbrel",
        "another installation of Whimbrel: `url` is its `/v1/messages`, `password` a key with `messages:write`; texts "
        "come by a webhook for `message.received`",
        "docs/messages.md, docs/events.md",
        {
            "auth": "bearer",
            "headers": {"Idempotency-Key": "{reference}"},
            "fields": {
                "to": "{to}", "sender": "{from}", "text": "{text}", "media": "{media}",
                "validity": "{validity_s:number}", "callback_url": "{callback}",
            },
            "media": True,
            "answer_code": "code",
            "statuses": {
                "invalid_number": "invalid_destination", "invalid_sender": "invalid_source", "opted_out": "barred",
                "suppressed": "barred", "no_route": "temporary", "no_price": "temporary",
                "media_not_fetched": "temporary",
            },
            "receipt_items": "[@][?type!='message.received' && type!='message.receipt']",
            "receipt_id": "message_id",
            "receipt_state": "type",
            "receipt_error": "data.reason.code",
            "receipt_to": "data.to",
            "receipt_states": {
                "message.sending": "ENROUTE", "message.sent": "ENROUTE", "message.delivered": "DELIVERED",
                "message.undelivered": "UNDELIVERABLE", "message.expired": "EXPIRED",
                "message.failed": "UNDELIVERABLE", "message.rejected": "REJECTED", "message.canceled": "DELETED",
            },
            "receipt_errors": {reason: reason for reason in sorted(REASONS)},
            "inbound_items": "[@][?type=='message.received'].data",
            "inbound_from": "sender",
            "inbound_text": "text",
        },
        kind="http",
        needs=("url", "password"),
    ),
)  # fmt: skip

HTTP_PROFILES: Final[Mapping[str, Profile]] = MappingProxyType({profile.name: profile for profile in _ALL})
"""By name, in the order in which they are listed."""
