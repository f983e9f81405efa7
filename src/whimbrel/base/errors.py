"""The catalogue of everything that can go wrong, in public words: one row for each code. A code never changes its
meaning and is never reused. Doors render a row in their own format; `docs/errors.md` lists them all (a test compares).

`http` is the status of a request that is refused with the code (0: it never answers a request, it is the reason of a
message's state). `fault` says who has to act: the caller, the recipient's side, the carrier, the operator, or us.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

Fault = Literal["caller", "recipient", "carrier", "operator", "us"]


class ErrorSpec(msgspec.Struct, frozen=True, gc=False):
    """One row of the catalogue."""

    code: str
    http: int
    twilio: int
    permanent: bool
    fault: Fault
    title: str
    advice: str


def _row(code: str, http: int, twilio: int, kind: str, fault: Fault, title: str, advice: str) -> ErrorSpec:
    return ErrorSpec(code, http, twilio, kind == "permanent", fault, title, advice)


P, T = "permanent", "temporary"

CATALOGUE: dict[str, ErrorSpec] = {
    row.code: row
    for row in (
        # the request itself
        _row("malformed_http", 400, 20001, P, "caller", "The request is not HTTP/1.1.", "Use an HTTP library; upgrades are not taken."),
        _row("malformed_json", 400, 20001, P, "caller", "The body is not JSON.", "Send one JSON object in UTF-8."),
        _row("malformed_form", 400, 20001, P, "caller", "The body is no valid form.", "Send application/x-www-form-urlencoded in UTF-8."),
        _row("invalid_request", 422, 20001, P, "caller", "A field is missing, unknown or has a value that cannot be.", "Correct the field that the answer names."),
        _row("invalid_parameter", 400, 20001, P, "caller", "A query parameter is unknown or has a bad value.", "Correct the parameter that the answer names."),
        _row("invalid_cursor", 400, 20001, P, "caller", "The cursor is not one of ours.", "Use `next_cursor` of an earlier answer as it is."),
        _row("unsupported_media_type", 415, 20001, P, "caller", "The content type is not taken here.", "Send the content type that the reference names."),
        _row("body_too_large", 413, 20001, P, "caller", "The body is larger than this route takes.", "Send fewer messages at a time."),
        _row("headers_too_large", 431, 20001, P, "caller", "The headers are too large.", "Send fewer or shorter headers."),
        _row("request_timeout", 408, 20001, T, "caller", "The request did not arrive in time.", "Send headers and body without pauses."),
        _row("not_found", 404, 20404, P, "caller", "There is no such thing here.", "Check the id, and that the key belongs to its account."),
        _row("method_not_allowed", 405, 20004, P, "caller", "The method is not known on this path.", "See the `Allow` header."),
        _row("conflict", 409, 20409, P, "caller", "The request contradicts the present state.", "Read the resource again, then decide."),
        _row("at_another_node", 409, 20409, T, "operator", "The carrier's binds are at another node.", "Ask the node that the answer names; where several processes share a port, try again until it is reached."),
        # who asks
        _row("unauthorized", 401, 20003, P, "caller", "No valid key was sent.", "Send `Authorization: Bearer wk_…` or Basic with the account id and its token."),
        _row("forbidden", 403, 20403, P, "caller", "The key lacks the scope for this.", "Use a key with the scope that the answer names."),
        _row("account_suspended", 403, 20005, P, "operator", "The account is suspended or closed.", "Ask the operator."),
        _row("account_moving", 503, 20503, T, "us", "The account is being moved to another cell; nothing was stored.", "Try again after `Retry-After`."),
        _row("cell_unavailable", 503, 20503, T, "us", "The account's cell cannot be reached just now; nothing was stored.", "Try again after `Retry-After`."),
        _row("rate_limited", 429, 20429, T, "caller", "Too many requests for this key.", "Wait as long as `Retry-After` says."),
        _row("overloaded", 503, 20503, T, "us", "The service cannot take requests just now; nothing was stored.", "Try again after `Retry-After`."),
        _row("internal_error", 500, 20500, T, "us", "Something failed on our side; nothing was stored.", "Try again; tell the operator the `request_id`."),
        # idempotency (IETF draft Idempotency-Key)
        _row("invalid_idempotency_key", 400, 20001, P, "caller", "The Idempotency-Key is empty or too long.", "Send 1 to 255 visible characters."),
        _row("idempotency_key_reused", 422, 20422, P, "caller", "The key was used with another body.", "Use a new key for a new request."),
        _row("idempotency_in_progress", 409, 20409, T, "caller", "A request with this key is under way.", "Try again in a moment; the answer will be the same."),
        # the message
        _row("invalid_number", 422, 21211, P, "caller", "The recipient is not a valid phone number.", "Send E.164: a plus sign, country code and number."),
        _row("recipient_missing", 422, 21604, P, "caller", "There is no recipient.", "Send `to`."),
        _row("text_missing", 422, 21602, P, "caller", "There is no text.", "Send a text of at least one character."),
        _row("text_too_long", 422, 21617, P, "caller", "The text is too long.", "Send at most 1,600 characters."),
        _row("too_many_parts", 422, 21617, P, "caller", "The text needs more segments than allowed.", "Shorten it, or raise `max_parts`."),
        _row("invalid_text", 422, 20001, P, "caller", "The text holds characters that no phone can show.", "Remove control characters and lone surrogates."),
        _row("invalid_sender", 422, 21212, P, "caller", "The sender is no valid number, short code or name.", "Use E.164, 3 to 8 digits, or up to 11 letters, digits and spaces."),
        _row("sender_not_allowed", 403, 21606, P, "caller", "The sender does not belong to the account.", "Use one of `GET /v1/senders`, or ask the operator to add it."),
        _row("notice_missing", 422, 20001, P, "caller", "The text does not say what the country asks for.", "Say it in the text; `GET /v1/sender-rules` shows the words as `notice`, and who asks for them."),
        _row("sender_forbidden", 422, 21612, P, "caller", "The country takes no such sender.", "Use a sender of another kind; `GET /v1/sender-rules` shows what holds where, and since when."),
        _row("sender_unregistered", 403, 30034, P, "operator", "The sender is not registered for this country.", "Register it (`POST /v1/registrations`), or use another sender."),
        _row("sender_not_approved", 403, 21606, P, "operator", "The operator has not approved the sender.", "Wait for the approval; the number shows why."),
        _row("sender_name_refused", 422, 21212, P, "caller", "The name says nothing about who sends, or reads as somebody else's.", "Take another name; where it is yours, the operator sets `allow_name`."),
        _row("no_sender", 422, 21603, P, "operator", "The account has no default sender for this country.", "Send `sender`, or set a default sender."),
        _row("pool_without_senders", 422, 21703, P, "operator", "The Messaging Service has no sender for this country.", "Send `From`, or set a default sender."),
        _row("pool_not_found", 422, 20404, P, "caller", "There is no such sender pool.", "See `GET /v1/pools` for ids."),
        _row("pool_busy", 429, 21611, T, "operator", "Every number of the pool has more to send than the message may wait for, or has used up its day.", "Try again later, give it more validity, or add numbers to the pool."),
        _row("too_many_keywords", 409, 20001, P, "caller", "The account has the most keywords that it may have.", "Delete one that is not used."),
        _row("too_many_pools", 409, 21714, P, "caller", "The account has the most pools that it may have, or the pool the most senders.", "Delete one that is not used."),
        _row("sender_in_pool", 409, 21710, P, "caller", "The sender is in the pool already.", "Nothing is left to do."),
        _row("template_not_found", 422, 20404, P, "caller", "There is no such template.", "See `GET /v1/templates` for names and versions; an archived one is brought back first."),
        _row("template_not_approved", 422, 20409, P, "operator", "The template has no approved version.", "Publish it, and have the version approved."),
        _row("template_not_registered", 422, 20001, P, "caller", "Carriers in India would drop this text: it is not the one registered at the DLT platform.", "Give the language's template id in `dlt`, or shorten what varies."),
        _row("invalid_link", 422, 20001, P, "caller", "An address in the text cannot be made short.", "Use an http or https address without a user name, of up to 2,048 characters."),
        _row("too_many_links", 422, 20001, P, "caller", "The text has more addresses to make short than are allowed.", "Leave some away."),
        _row("links_not_configured", 422, 20001, P, "operator", "This installation has no address for short links.", "Ask the operator to set `links.base_url`."),
        _row("link_gone", 410, 20404, P, "caller", "The short link is over.", "Ask whoever sent it."),
        _row("invalid_variable", 422, 20001, P, "caller", "A variable of the template is missing, unknown or has a value that it cannot take.", "Correct the variable that the answer names."),
        _row("media_not_found", 422, 21620, P, "caller", "There is no such medium.", "See `GET /v1/media`; what was deleted, or not sent for long, is brought again."),
        _row("too_many_media", 422, 21623, P, "caller", "A message has more media than are allowed.", "Send at most ten."),
        _row("invalid_media_url", 422, 21620, P, "caller", "The URL of a medium leads to a private network or has a bad form.", "Use an https URL of a public host, or bring the file itself: `POST /v1/media`."),
        _row("media_not_fetched", 422, 11200, T, "caller", "A medium could not be fetched from its URL; nothing was stored.", "See what its server answers, and try again."),
        _row("media_type_refused", 422, 12300, P, "caller", "The file is of no type that is taken.", "Send JPEG, PNG, GIF, WebP, MP4, 3GP, MP3, AMR, Ogg, PDF, vCard or iCalendar: its octets say what it is, not its name."),
        _row("media_too_large", 413, 11751, P, "caller", "The file is too large.", "Make it smaller; the answer says how large it may be."),
        _row("media_limit", 409, 20001, P, "caller", "The account has as many media, or octets of them, as it may have.", "Delete some: `DELETE /v1/media/{id}`."),
        _row("invalid_multipart", 400, 20001, P, "caller", "The form with the file could not be read.", "Send multipart/form-data with one file, or the file alone as the body."),
        _row("not_supported", 422, 20001, P, "caller", "This is not offered here.", "Leave the parameter away that `parameter` names."),
        _row("invalid_class", 422, 20001, P, "caller", "The class is none of otp, transactional and marketing.", "Use one of these, or none for transactional."),
        _row("invalid_schedule", 422, 35114, P, "caller", "The time to send is in the past or more than 366 days ahead.", "Use a time from now to a year ahead, with a time zone."),
        _row("invalid_validity", 422, 20001, P, "caller", "The validity is not between 5 and 604,800 seconds.", "Use 5 seconds to 7 days."),
        _row("invalid_callback_url", 422, 21609, P, "caller", "The callback URL cannot be used.", "Use an https URL of a public host."),
        _row("metadata_too_large", 422, 20001, P, "caller", "The metadata or tags are too large.", "Keep metadata under 4,096 octets, tags to ten of 64 characters."),
        _row("batch_too_large", 413, 20001, P, "caller", "The batch holds too many messages.", "Send at most 10,000 messages a batch."),
        _row("batch_empty", 422, 20001, P, "caller", "The batch holds no message.", "Send at least one message."),
        _row("opted_out", 422, 21610, P, "recipient", "The recipient has opted out.", "Do not text this number; it may send START to opt in again."),
        _row("suppressed", 422, 21610, P, "recipient", "The number is on a list of numbers that are not texted.", "Do not text this number; `explain` names the list."),
        _row("no_consent", 422, 21610, P, "recipient", "Nobody recorded that the recipient agreed to marketing.", "Record the consent (`POST /v1/consents`), or ask for it."),
        _row("consent_request_limit", 429, 20429, T, "caller", "The number was asked for consent often enough.", "Wait: at most three times within 30 days, an hour apart."),
        _row("quiet_hours", 422, 30610, P, "caller", "Marketing may not be sent to this number at this hour.", "Send it when the answer says, or with `quiet_hours` \"wait\", so that it waits for the hour."),
        _row("frequency_cap", 422, 30611, P, "caller", "The recipient has been sent as much marketing as a limit allows.", "Send it when the answer says, or let it wait: `on_cap` of `PUT /v1/policies`."),
        _row("no_route", 422, 21612, P, "operator", "No carrier takes texts for this number.", "Ask the operator for a route to this country."),
        _row("no_price", 422, 21408, P, "operator", "There is no price for this number.", "Ask the operator for a price for this country."),
        _row("price_over_max", 422, 30010, P, "caller", "The price is above `max_price`.", "Raise `max_price`, or shorten the text."),
        _row("insufficient_balance", 402, 30002, P, "caller", "The balance does not cover the price.", "Top up the balance."),
        _row("not_cancelable", 409, 30409, P, "caller", "The message is already on its way or final.", "Only scheduled and queued messages can be canceled."),
        _row("not_final", 409, 20009, P, "caller", "The message is not final yet.", "Wait for its final state, or cancel it."),
        _row("test_mode", 403, 20403, P, "caller", "A test key cannot do this.", "Use a live key."),
        # resources
        _row("webhook_url_refused", 422, 21609, P, "caller", "The URL leads to a private network or has a bad form.", "Use an https URL of a public host, or ask the operator to allow it."),
        _row("too_many_webhooks", 409, 20001, P, "caller", "The account has the most endpoints that it may have.", "Delete one that is not used."),
        _row("too_many_templates", 409, 20001, P, "caller", "The account has the most templates that it may have, or the template the most versions.", "Delete one that is not used."),
        _row("registration_incomplete", 422, 20001, P, "caller", "The registration lacks answers or documents.", "Give what the answer names; `missing` of the registration shows it too."),
        _row("registration_limit", 409, 20001, P, "caller", "The account has the most registrations that it may have.", "Delete one that is not used."),
        _row("document_limit", 409, 20001, P, "caller", "The registration or number has the most documents that it may have.", "Delete one that is not used."),
        _row("rule_limit", 409, 20001, P, "operator", "The installation has the most own rules of senders that it may have.", "Delete one that is not used."),
        _row("too_many_smpp_credentials", 409, 20001, P, "caller", "The account has the most SMPP credentials that it may have.", "Delete one that is not used."),
        _row("too_many_streams", 429, 20429, T, "caller", "The account has too many open streams.", "Close one first."),
        _row("contact_exists", 409, 20409, P, "caller", "Another contact has this number.", "Change that one, or merge the two."),
        _row("contact_limit", 409, 20001, P, "caller", "The account has the most fields, tags, lists, segments or open imports that it may have.", "Delete one that is not used."),
        _row("invalid_filter", 422, 20001, P, "caller", "The filter of the segment is not understood.", "See docs/contacts.md for what a filter may say; the answer names the place."),
        _row("import_unreadable", 422, 20001, P, "caller", "The file cannot be read as contacts.", "Send CSV, or a workbook of Excel (.xlsx); the answer says what is wrong."),
        _row("too_many_flows", 409, 20001, P, "caller", "The account has the most flows or schedules that it may have.", "Delete one that is not used."),
        _row("flow_refused", 429, 20429, T, "caller", "The flow was not begun: too often for this phone in an hour, or too deep among flows that begin each other.", "Look for two flows or machines that answer each other."),
        _row("too_many_campaigns", 409, 20001, P, "caller", "The account has the most drafts of campaigns that it may have.", "Delete one that is not used."),
        _row("campaign_state", 409, 20409, P, "caller", "The campaign is not in a state in which this can be done.", "Read the campaign: its status and phase say what can."),
        _row("campaign_not_approved", 409, 20409, P, "caller", "Campaigns of this account are approved by a second person, and nobody has.", "Have somebody other than the author approve it."),
        _row("campaign_own_approval", 403, 20403, P, "caller", "Nobody approves what he wrote himself.", "Have somebody else approve it."),
        _row("in_use", 409, 20409, P, "operator", "Something still uses this.", "Remove what uses it first; the answer names it."),
        # verify
        _row("verify_checks_spent", 429, 60202, P, "caller", "The code was guessed too often.", "Wait until the verification has expired, then start a new one."),
        _row("verify_sends_spent", 429, 60203, P, "caller", "The code was sent as often as it may be.", "Wait until the verification has expired, then start a new one."),
        _row("verify_failed_too_often", 429, 60202, T, "caller", "Too many wrong codes were given for this number.", "Wait as long as the answer says: a new code does not help."),
        _row("verify_too_many_sends", 429, 60203, T, "caller", "The number was sent as many codes as it may get in an hour or a day.", "Wait as long as the answer says."),
        _row("verify_too_soon", 429, 60212, T, "caller", "The code was sent a moment ago.", "Wait as long as the answer says before it is sent again."),
        _row("verify_rate_limited", 429, 20429, T, "caller", "A rate limit of the service is reached.", "Wait as long as the answer says; `GET /v1/verify/rate-limits` shows the limits."),
        _row("verify_limit_exists", 409, 60208, P, "caller", "The service has a rate limit of this name.", "Change that one, or take another name."),
        _row("verify_too_many_limits", 409, 60207, P, "caller", "The service has the most rate limits that it may have.", "Delete one that is not used."),
        _row("verify_too_many_buckets", 409, 60210, P, "caller", "The rate limit has the most buckets that it may have.", "Change one of them, or delete one."),
        _row("verify_blocked", 403, 60410, T, "caller", "Numbers like this one are not sent codes for a while: they look like pumping.", "See `GET /v1/verify/blocks`; lift the block, or put the number on the safe list."),
        _row("verify_country_refused", 403, 60605, P, "caller", "The service sends no codes to this country.", "Add the country to the service's `countries`."),
        _row("verify_line_refused", 403, 60205, P, "recipient", "Codes are not sent to this kind of line.", "Ask for a mobile number, or change the service's `refuse_types`."),
        _row("verify_custom_code_refused", 422, 60204, P, "caller", "The service takes no codes of your own.", "Set the service's `custom_code`, or leave the code away."),
        _row("verify_not_pending", 409, 20404, P, "caller", "The verification has ended.", "Start a new one."),
        _row("verify_factor_unverified", 409, 60318, P, "caller", "Nobody has confirmed the factor yet.", "Have its first code given to `…/factors/{id}/verify`."),
        _row("verify_factor_waits", 429, 60202, T, "caller", "Too many wrong codes were given for this person.", "Wait as long as `Retry-After` says: a new factor does not help."),
        _row("verify_factor_locked", 429, 60202, P, "caller", "So many wrong codes were given for this person that none is looked at any more.", "Find out by other means who it is, then unlock the person."),
        _row("verify_challenge_ended", 409, 60323, P, "caller", "The challenge was answered, or has expired.", "Make a new one."),
        _row("too_many_factors", 409, 20001, P, "caller", "The person has the most factors that one may have.", "Delete one that is not used."),
        _row("verify_channel_unknown", 422, 60223, P, "caller", "Codes are not sent by this channel.", "Use one of the channels that the reference names."),
        # why a run of a flow failed
        _row("flow_too_many_steps", 0, 0, P, "caller", "The run took the most steps that one may take.", "Look for a loop without an end."),
        _row("flow_variables_too_large", 0, 0, P, "caller", "The run's variables are too large.", "Keep less of what other systems answer."),
        _row("flow_expression_failed", 0, 0, P, "caller", "An expression has no value for these data.", "See the step's detail; give what may be missing a default."),
        _row("flow_no_phone", 0, 0, P, "caller", "There is no phone to send to, or to wait for.", "Begin the run with a phone, or give the step a number."),
        _row("flow_request_failed", 0, 0, T, "caller", "The other system did not answer with 2xx.", "See the step's detail; give the step `on_error`."),
        _row("flow_contact_refused", 0, 0, P, "caller", "The contact could not be changed so.", "See the step's detail; declare the field or make the list, or give the step `on_error`."),
        _row("flow_no_conversation", 0, 0, P, "caller", "No text went to the phone or came from it, so there is no conversation to hand over.", "Send a text first, or give the step `on_error`."),
        _row("flow_assignee_gone", 0, 0, P, "caller", "Whom a step gives the conversation to is gone, disabled or may not answer.", "Change the flow, or give the step `on_error`."),
        _row("flow_stopped", 0, 0, P, "caller", "A step ended the run as failed.", "Nothing: the flow is made so."),
        _row("flow_gone", 0, 0, P, "caller", "The flow or its account is not there any more.", "Nothing: the run cannot go on."),
        _row("flow_error", 0, 0, P, "us", "The run could not be worked on.", "Tell the operator its id."),
        # calls of hooks
        _row("hook_signature", 401, 20003, P, "caller", "The call is not signed as this hook expects.", "Use the hook's secret, and the way of signing that `GET /v1/hooks/{id}` shows."),
        _row("hook_body", 400, 20001, P, "caller", "The body could not be read.", "Send JSON, a form or XML, with the content type that says which; XML without a document type."),
        _row("too_many_hooks", 409, 20001, P, "caller", "The account has the most hooks that it may have.", "Delete one that is not used."),
        _row("payload_gone", 409, 20409, P, "caller", "The body of this call is not kept, or no longer.", "Raise `keep_days` of the hook for calls to come."),
        # mail to a mailbox, and from it
        _row("mailbox_unknown", 0, 0, P, "caller", "There is no such mailbox.", "Write to NUMBER@DOMAIN, or to the address that `GET /v1/mailboxes` shows."),
        _row("mail_sender_unknown", 0, 0, P, "caller", "No mailbox takes mail of this sender.", "Add the address of the From field, or its domain, to the mailbox's `senders`."),
        _row("mail_sender_ambiguous", 0, 0, P, "caller", "Several mailboxes take mail of this sender.", "Write to NUMBER+TAG@DOMAIN, with the tag of the mailbox that is meant."),
        _row("mail_not_authenticated", 0, 0, P, "caller", "Nothing proves that the mail is from its sender.", "Have the sender's domain sign its mail (DKIM) or name its servers (SPF), or change the mailbox's `auth`."),
        _row("mail_automatic", 0, 0, P, "caller", "The mail was written by a machine.", "Set the mailbox's `machines` for mail of alarms; what answers by itself is never taken."),
        _row("mail_unreadable", 0, 0, P, "caller", "The mail cannot be read.", "Send a mail with one From field that holds one address (RFC 5322)."),
        _row("mailbox_paused", 0, 0, P, "caller", "The mailbox is paused.", "Set its `status` to active."),
        _row("too_many_mailboxes", 409, 20001, P, "caller", "The account has the most mailboxes that it may have.", "Delete one that is not used."),
        _row("mail_refused", 0, 0, P, "recipient", "The mail was refused for good.", "See the log's detail; correct the address that answers go to."),
        _row("mail_not_taken", 0, 0, P, "operator", "The mail was tried as often as it may be.", "See the log's detail; look at the server that takes our mail."),
        _row("mail_no_server", 0, 0, P, "operator", "The installation sends no mail.", "Set `mail.host` and `mail.sender`."),
        _row("mail_gone", 0, 0, P, "caller", "What the mail was to say is not there any more.", "Nothing: the text was removed before it went out."),
        # why a message ended as it did
        _row("sender_replaced", 0, 0, P, "recipient", "Phones in this country show another sender.", "Nothing: the text arrives; do not count on answers."),
        _row("canceled", 0, 0, P, "caller", "Canceled before it was sent.", "Nothing: it was never sent."),
        _row("expired", 0, 30036, P, "us", "Its validity ended before it could be sent.", "Look at the carrier's health, or give more time."),
        _row("expired_at_carrier", 0, 30036, P, "recipient", "The carrier gave up before the phone could be reached.", "Try later; the phone may be off."),
        _row("carrier_rejected", 0, 30008, P, "carrier", "The carrier refused the message.", "See the attempt's status code; the operator may ask the carrier."),
        _row("carrier_unavailable", 0, 30410, T, "carrier", "No carrier of the route could take the message.", "Try later, or ask the operator for another route."),
        _row("invalid_destination", 0, 30005, P, "recipient", "The carrier does not know this number.", "Check the number with its owner."),
        _row("invalid_source", 0, 21212, P, "carrier", "The carrier does not take this sender.", "Ask the operator which senders this country takes."),
        _row("unknown_subscriber", 0, 30005, P, "recipient", "The number is not in use.", "Remove the number."),
        _row("absent_subscriber", 0, 30003, T, "recipient", "The phone could not be reached.", "Try later; the phone may be off."),
        _row("memory_full", 0, 30003, T, "recipient", "The phone's memory is full.", "Try later."),
        _row("barred", 0, 30004, P, "recipient", "The number does not take such texts.", "Ask the recipient to lift the block."),
        _row("handset_error", 0, 30003, T, "recipient", "The phone reported an error.", "Try later."),
        _row("network_error", 0, 30008, T, "carrier", "The network between the carrier and the phone failed.", "Try later."),
        _row("undelivered", 0, 30008, P, "carrier", "The carrier could not deliver and did not say why.", "Try later, or ask the operator."),
        _row("deleted_at_carrier", 0, 30008, P, "carrier", "The carrier deleted the message.", "Ask the operator."),
        _row("filtered", 0, 30007, P, "carrier", "A filter at the carrier stopped the message.", "Review text and sender with the operator."),
        _row("no_receipt", 0, 30008, T, "carrier", "The carrier took it, but no receipt came by the deadline.", "It may have arrived; ask the recipient."),
        _row("link_lost", 0, 30410, T, "carrier", "The link broke before the carrier answered: it may or may not have the message.", "Wait for a receipt or the deadline; resend only if twice is better than never."),
        _row("response_timeout", 0, 30410, T, "carrier", "The carrier did not answer: it may or may not have the message.", "Wait for a receipt or the deadline; resend only if twice is better than never."),
        _row("carrier_error", 0, 30410, T, "carrier", "The carrier's answer does not say whether it has the message: it may or may not.", "Wait for a receipt or the deadline; resend only if twice is better than never."),
        _row("crash", 0, 30410, T, "us", "We stopped before the carrier's answer was stored: it may or may not have the message.", "Wait for a receipt or the deadline; resend only if twice is better than never."),
        _row("quarantined", 0, 30008, P, "us", "The message could not be processed and was set aside.", "Tell the operator its id."),
        _row("not_sent", 0, 0, T, "us", "The attempt was taken back before a byte of it left.", "Nothing: the message is queued again."),
        _row("daily_cap_reached", 0, 30023, T, "carrier", "The networks take no more of this sender today.", "While it is scheduled nothing: it is sent in the morning. One that has ended is to be sent again tomorrow; give texts that may wait a longer validity, or ask for a higher cap."),
        _row("throttled", 0, 30022, T, "carrier", "The carrier asked us to slow down.", "Nothing: the message waits its turn."),
    )
}


class FieldError(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with one field: `pointer` is a JSON pointer into the body, or the name of a parameter."""

    pointer: str
    detail: str
    code: str = "invalid"


class WhimbrelError(Exception):
    """A refusal from the catalogue; doors turn it into their answer. Raising it means that nothing was stored."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        retry_after_s: int | None = None,
    ) -> None:
        self.spec = CATALOGUE[code]
        self.detail = detail or self.spec.title
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        super().__init__(f"{code}: {self.detail}")

    @property
    def code(self) -> str:
        return self.spec.code


class Unavailable(Exception):
    """What a request needs cannot be had just now; nothing of it was done. Doors answer `overloaded`."""


class Unanswerable(Exception):
    """Nobody can say whether a request was carried out. Any answer would say one or the other, so doors give none:
    whoever sends it again under the same Idempotency-Key finds out."""


def public(error: Exception) -> WhimbrelError:
    """What a door tells of whatever was raised."""
    if isinstance(error, WhimbrelError):
        return error
    if isinstance(error, Unavailable):
        return WhimbrelError("overloaded", retry_after_s=1)
    return WhimbrelError("internal_error")
