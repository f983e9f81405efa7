"""What each sender's hook begins with: how its calls are signed, where their events are, which events are worth a text
and what the text may say. A table of facts from the senders' own documentation (`hook_signatures`, `hook_samples` name
the pages); everything in it may be changed in the hook that it made.
"""

from typing import Literal

import msgspec

from whimbrel.domain import hook_samples as samples
from whimbrel.domain.hook_rules import Mapping, Paths
from whimbrel.domain.hook_samples import Sample
from whimbrel.domain.hook_signatures import Auth

SecretFrom = Literal["us", "sender"]


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that may be added with one click."""

    name: str
    events: Paths
    text: str
    condition: str = ""
    message_class: Literal["transactional", "marketing"] = "transactional"
    consent: str = ""
    newest_only: bool = False


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A sender. `secret_from`: who makes the secret. `auths`: ways of signing that it offers, the best one first."""

    title: str
    auths: tuple[Auth, ...]
    secret_from: SecretFrom
    mapping: Mapping
    samples: tuple[Sample, ...]
    suggestions: tuple[Suggestion, ...]
    to: Paths = ()
    country: Paths = ()
    language: Paths = ()
    reply: Literal["json", "salesforce"] = "json"


_ALERTS = Mapping(
    events=("alerts",),
    type=("status",),
    id=("join(':', [fingerprint, startsAt, status])",),
    time=("status == 'resolved' && endsAt || startsAt",),
    subject=("fingerprint",),
)
_ALERT_RULES = (
    Suggestion(
        name="firing", events=("firing",), text="{{labels.alertname}}: {{annotations.summary || labels.instance}}"
    ),
    Suggestion(
        name="resolved",
        events=("resolved",),
        text="Resolved: {{labels.alertname}} {{annotations.summary || labels.instance}}",
    ),
)
_ALERT_TO = ("labels.phone", "annotations.phone")
_ANY_TO = ("to", "phone", "mobile", "phone_number", "customer.phone", "contact.phone")
_ANY = Mapping(
    type=("event", "type", "event_type", "topic"),
    id=("id", "event_id", '_headers."webhook-id"'),
    time=("time", "timestamp", "created_at"),
    subject=("subject", "object_id"),
)

PRESETS: dict[str, Preset] = {
    "shopify": Preset(
        title="Shopify",
        auths=(Auth(kind="hmac", header="X-Shopify-Hmac-SHA256", encoding="base64"),),
        secret_from="sender",
        mapping=Mapping(
            type=('_headers."x-shopify-topic"',),
            id=('_headers."x-shopify-webhook-id"', '_headers."x-shopify-event-id"'),
            time=('_headers."x-shopify-triggered-at"', "updated_at"),
            subject=("order_id", "id"),
        ),
        to=("shipping_address.phone", "destination.phone", "phone", "customer.phone", "billing_address.phone"),
        country=(
            "shipping_address.country_code",
            "destination.country_code",
            "billing_address.country_code",
            "customer.default_address.country_code",
        ),
        language=("customer_locale",),
        samples=samples.SHOPIFY,
        suggestions=(
            Suggestion(
                name="paid",
                events=("orders/paid",),
                text="Thank you for your order {{name}}. We tell you when it ships.",
            ),
            Suggestion(
                name="shipped",
                events=("fulfillments/create",),
                text="Your order {{name}} is on its way with {{tracking_company || 'our carrier'}}: {{tracking_url || tracking_number}}",
            ),
            Suggestion(
                name="cart",
                events=("checkouts/update",),
                text="Still thinking it over? Your basket is here: {{abandoned_checkout_url}}",
                message_class="marketing",
                consent="buyer_accepts_sms_marketing || customer.sms_marketing_consent.state",
            ),
        ),
    ),
    "woocommerce": Preset(
        title="WooCommerce",
        auths=(Auth(kind="hmac", header="X-WC-Webhook-Signature", encoding="base64"),),
        secret_from="us",
        mapping=Mapping(
            type=('_headers."x-wc-webhook-topic"',),
            id=('_headers."x-wc-webhook-delivery-id"',),
            time=("date_modified_gmt && join('', [date_modified_gmt, 'Z'])",),
            subject=("id",),
            ping=("webhook_id",),
        ),
        to=("shipping.phone", "billing.phone"),
        country=("shipping.country", "billing.country"),
        language=("meta_data[?key=='wpml_language'].value | [0]",),
        samples=samples.WOOCOMMERCE,
        suggestions=(
            Suggestion(
                name="processing",
                events=("order.created", "order.updated"),
                condition="status == 'processing'",
                text="Thank you, {{billing.first_name}}: we have your order {{number}}.",
                newest_only=True,
            ),
            Suggestion(
                name="completed",
                events=("order.updated",),
                condition="status == 'completed'",
                text="Your order {{number}} is on its way.",
                newest_only=True,
            ),
        ),
    ),
    "stripe": Preset(
        title="Stripe",
        auths=(Auth(kind="timestamped", header="Stripe-Signature"),),
        secret_from="sender",
        mapping=Mapping(type=("type",), id=("id",), time=("created",), subject=("data.object.id",)),
        to=(
            "data.object.customer_details.phone",
            "data.object.customer_phone",
            "data.object.shipping.phone",
            "data.object.billing_details.phone",
            "data.object.phone",
        ),
        country=(
            "data.object.customer_details.address.country",
            "data.object.customer_address.country",
            "data.object.billing_details.address.country",
        ),
        language=("data.object.locale", "data.object.preferred_locales[0]"),
        samples=samples.STRIPE,
        suggestions=(
            Suggestion(
                name="paid",
                events=("checkout.session.completed",),
                condition="data.object.payment_status == 'paid'",
                text="Thank you, {{data.object.customer_details.name || 'and welcome'}}: your payment has arrived.",
            ),
            Suggestion(
                name="failed",
                events=("invoice.payment_failed",),
                text="Your payment for invoice {{data.object.number}} did not go through: {{data.object.hosted_invoice_url}}",
            ),
        ),
    ),
    "hubspot": Preset(
        title="HubSpot",
        auths=(Auth(kind="hubspot_v3"),),
        secret_from="sender",
        mapping=Mapping(
            events=("_payload",),
            type=("subscriptionType", "(vid || properties) && 'workflow'"),
            id=(
                "eventId && join(':', [to_string(portalId), to_string(eventId), to_string(subscriptionId), to_string(occurredAt)])",
            ),
            time=("occurredAt",),
            subject=("objectId", "vid"),
        ),
        to=(
            "properties.mobilephone.value",
            "properties.phone.value",
            "(propertyName == 'phone' || propertyName == 'mobilephone') && propertyValue",
        ),
        country=("properties.hs_country_region_code.value", "properties.country.value"),
        language=("properties.hs_language.value",),
        samples=samples.HUBSPOT,
        suggestions=(
            Suggestion(
                name="workflow",
                events=("workflow",),
                text="Hello {{properties.firstname.value || 'there'}}, thank you for getting in touch.",
            ),
        ),
    ),
    "zendesk": Preset(
        title="Zendesk",
        auths=(
            Auth(
                kind="hmac",
                header="X-Zendesk-Webhook-Signature",
                encoding="base64",
                timestamp_header="X-Zendesk-Webhook-Signature-Timestamp",
                timestamp_needed=True,
            ),
        ),
        secret_from="sender",
        mapping=Mapping(
            type=("type",),
            id=("id", '_headers."x-zendesk-webhook-invocation-id"'),
            time=("time",),
            subject=("ticket.id", "subject"),
        ),
        to=("requester.phone", "phone", "detail.phone"),
        language=("requester.language",),
        samples=samples.ZENDESK,
        suggestions=(
            Suggestion(
                name="solved",
                events=("ticket.solved",),
                text="Your request {{ticket.id}} ({{ticket.title}}) is solved. Reply here if it is not.",
            ),
        ),
    ),
    "github": Preset(
        title="GitHub",
        auths=(Auth(kind="hmac", header="X-Hub-Signature-256", prefix="sha256="),),
        secret_from="us",
        mapping=Mapping(
            type=("join('.', [_headers.\"x-github-event\", action][?@])",),
            id=('_headers."x-github-delivery"',),
            time=("workflow_run.updated_at", "release.published_at", "issue.updated_at", "pull_request.updated_at"),
            subject=("to_string(workflow_run.id || release.id || issue.id || pull_request.id || repository.id)",),
            ping=("zen && hook_id",),
        ),
        samples=samples.GITHUB,
        suggestions=(
            Suggestion(
                name="failed",
                events=("workflow_run.completed",),
                condition="workflow_run.conclusion == 'failure'",
                text="{{repository.full_name}}: {{workflow_run.name}} failed on {{workflow_run.head_branch}} {{workflow_run.html_url}}",
            ),
            Suggestion(
                name="release",
                events=("release.published",),
                text="{{repository.full_name}} {{release.tag_name}} is out.",
            ),
        ),
    ),
    "alertmanager": Preset(
        title="Prometheus Alertmanager",
        auths=(Auth(kind="bearer"), Auth(kind="basic", username="alertmanager")),
        secret_from="us",
        mapping=_ALERTS,
        to=_ALERT_TO,
        samples=samples.ALERTMANAGER,
        suggestions=_ALERT_RULES,
    ),
    "grafana": Preset(
        title="Grafana",
        auths=(
            Auth(
                kind="hmac",
                header="X-Grafana-Alerting-Signature",
                timestamp_header="X-Grafana-Alerting-Signature-Timestamp",
                separator=":",
            ),
            Auth(kind="basic", username="grafana"),
            Auth(kind="bearer"),
        ),
        secret_from="us",
        mapping=_ALERTS,
        to=_ALERT_TO,
        samples=samples.GRAFANA,
        suggestions=_ALERT_RULES,
    ),
    "salesforce": Preset(
        title="Salesforce",
        auths=(Auth(kind="query"),),
        secret_from="us",
        mapping=Mapping(
            events=("Envelope.Body.notifications.Notification",),
            type=('sObject."@type"',),
            id=("Id",),
            subject=("sObject.Id",),
        ),
        to=("sObject.MobilePhone", "sObject.Phone"),
        country=("sObject.MailingCountryCode",),
        samples=samples.SALESFORCE,
        suggestions=(
            Suggestion(name="contact", events=("*",), text="Hello {{sObject.FirstName}}, we will call you today."),
        ),
        reply="salesforce",
    ),
    "magento": Preset(
        title="Magento",
        auths=(Auth(kind="header", header="X-Hook-Token"), Auth(kind="bearer")),
        secret_from="us",
        mapping=Mapping(type=("event",), id=("event_id",), time=("order.updated_at",), subject=("order.increment_id",)),
        to=("order.shipping_address.telephone", "order.billing_address.telephone"),
        country=("order.shipping_address.country_id", "order.billing_address.country_id"),
        samples=samples.MAGENTO,
        suggestions=(
            Suggestion(
                name="placed",
                events=("order.placed",),
                text="Thank you, {{order.customer_firstname}}: we have your order {{order.increment_id}}.",
            ),
        ),
    ),
    "generic": Preset(
        title="Any other system",
        auths=(
            Auth(kind="hmac", header="X-Signature", prefix="sha256="),
            Auth(kind="hmac", header="X-Signature", encoding="base64"),
            Auth(kind="timestamped", header="X-Signature"),
            Auth(kind="standard_webhooks"),
            Auth(kind="basic", username="hook"),
            Auth(kind="bearer"),
            Auth(kind="header", header="X-Hook-Token"),
            Auth(kind="query"),
        ),
        secret_from="us",
        mapping=_ANY,
        to=_ANY_TO,
        country=("country", "country_code"),
        language=("language", "locale"),
        samples=samples.GENERIC,
        suggestions=(
            Suggestion(name="any", events=("*",), text="Hello {{name || 'there'}}, this is about {{event || type}}."),
        ),
    ),
}
