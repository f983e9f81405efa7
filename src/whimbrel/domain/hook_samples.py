"""Sample calls of each sender, written by us with the members that their makers publish; every name and number in them
is made up. Rules are tried on them, in tests and in the console.

Sources: Shopify "Webhooks: Order, Fulfillment, Checkout"; WooCommerce REST API "Order properties"; Stripe API "Event",
"Checkout Session", "Invoice"; HubSpot "Webhooks API" and "Use webhooks with HubSpot workflows"; Zendesk "Webhook event
types"; GitHub "Webhook events and payloads"; Prometheus "Alertmanager: webhook_config"; Grafana "Configure webhook
notifications"; Salesforce SOAP API "Outbound Messaging"; Adobe Commerce "Webhooks".
"""

from typing import Any

import msgspec

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A call: its headers beside those of the signature, and its body."""

    name: str
    headers: dict[str, str]
    body: str


def _json(name: str, body: Any, **headers: str) -> Sample:
    named = {"content-type": JSON} | {key.replace("_", "-"): value for key, value in headers.items()}
    return Sample(name=name, headers=named, body=msgspec.json.format(msgspec.json.encode(body), indent=2).decode())


_ADDRESS = {
    "first_name": "Maya", "last_name": "Lind", "address1": "Hafenweg 4", "city": "Kiel", "zip": "24103",
    "country": "Germany", "country_code": "DE", "phone": "+49 1512 3456789",
}  # fmt: skip
_CUSTOMER = {
    "id": 7012345678901, "email": "maya@example.com", "first_name": "Maya", "last_name": "Lind", "phone": None,
    "sms_marketing_consent": {"state": "subscribed", "opt_in_level": "single_opt_in"},
}  # fmt: skip
_SHOPIFY_ORDER = {
    "id": 5512345678901, "name": "#1001", "order_number": 1001, "email": "maya@example.com", "phone": None,
    "currency": "EUR", "total_price": "59.00", "financial_status": "paid", "fulfillment_status": None,
    "customer_locale": "de-DE", "created_at": "2026-11-20T10:00:00+01:00", "updated_at": "2026-11-20T10:00:05+01:00",
    "order_status_url": "https://shop.example/orders/1001", "customer": _CUSTOMER, "billing_address": _ADDRESS,
    "shipping_address": _ADDRESS, "line_items": [{"title": "Tea tin", "quantity": 2, "price": "29.50"}],
}  # fmt: skip
_SHOPIFY_FULFILLMENT = {
    "id": 4412345678901, "order_id": 5512345678901, "name": "#1001.1", "status": "success", "shipment_status": None,
    "tracking_company": "DHL", "tracking_number": "JD014600003RU", "tracking_url": "https://track.example/JD014600003RU",
    "created_at": "2026-11-21T09:00:00+01:00", "updated_at": "2026-11-21T09:00:00+01:00", "destination": _ADDRESS,
}  # fmt: skip
_SHOPIFY_CHECKOUT = {
    "id": 3312345678901, "token": "b2cd1f", "email": "maya@example.com", "phone": "+4915123456789",
    "customer_locale": "de-DE", "buyer_accepts_sms_marketing": True, "total_price": "59.00",
    "abandoned_checkout_url": "https://shop.example/checkouts/b2cd1f", "updated_at": "2026-11-20T10:00:00+01:00",
    "shipping_address": _ADDRESS, "customer": _CUSTOMER,
}  # fmt: skip
SHOPIFY = (
    _json("An order was paid", _SHOPIFY_ORDER, x_shopify_topic="orders/paid",
          x_shopify_webhook_id="0d4a1c1e-7c0e-4a57-9a4e-3c6a5f9a1001", x_shopify_shop_domain="tea.example",
          x_shopify_triggered_at="2026-11-20T09:00:05.123456789Z"),
    _json("An order was shipped", _SHOPIFY_FULFILLMENT, x_shopify_topic="fulfillments/create",
          x_shopify_webhook_id="0d4a1c1e-7c0e-4a57-9a4e-3c6a5f9a1002",
          x_shopify_triggered_at="2026-11-21T08:00:00.123456789Z"),
    _json("A checkout was left", _SHOPIFY_CHECKOUT, x_shopify_topic="checkouts/update",
          x_shopify_webhook_id="0d4a1c1e-7c0e-4a57-9a4e-3c6a5f9a1003",
          x_shopify_triggered_at="2026-11-20T09:00:00.123456789Z"),
)  # fmt: skip

_WOO_ORDER = {
    "id": 727, "number": "727", "status": "processing", "currency": "GBP", "total": "29.35", "order_key": "wc_order_58d2d",
    "date_created_gmt": "2026-11-20T09:00:00", "date_modified_gmt": "2026-11-20T09:00:05", "customer_id": 25,
    "billing": {"first_name": "Owen", "last_name": "Hart", "country": "GB", "email": "owen@example.com",
                "phone": "07911 123456"},
    "shipping": {"first_name": "Owen", "last_name": "Hart", "country": "GB", "phone": ""},
    "payment_method_title": "Card", "line_items": [{"name": "Ship Your Idea", "quantity": 1, "total": "29.35"}],
    "meta_data": [{"id": 1, "key": "marketing_sms", "value": "yes"}],
}  # fmt: skip
WOOCOMMERCE = (
    _json("An order is being processed", _WOO_ORDER, x_wc_webhook_topic="order.updated", x_wc_webhook_resource="order",
          x_wc_webhook_event="updated", x_wc_webhook_id="12", x_wc_webhook_delivery_id="a1b2c3d4e5f60718293a4b5c6d7e8f90",
          x_wc_webhook_source="https://woo.example/"),
    _json("An order is complete", _WOO_ORDER | {"status": "completed", "date_modified_gmt": "2026-11-22T09:00:05"},
          x_wc_webhook_topic="order.updated", x_wc_webhook_resource="order", x_wc_webhook_event="updated",
          x_wc_webhook_id="12", x_wc_webhook_delivery_id="a1b2c3d4e5f60718293a4b5c6d7e8f91"),
    Sample(name="The address is tested", headers={"content-type": FORM}, body="webhook_id=12"),
)  # fmt: skip

STRIPE = (
    _json("A checkout was paid", {
        "id": "evt_1Q0000000000000000000001", "object": "event", "api_version": "2026-06-30", "created": 1795770000,
        "livemode": True, "type": "checkout.session.completed", "pending_webhooks": 1,
        "data": {"object": {
            "id": "cs_live_a1", "object": "checkout.session", "amount_total": 5900, "currency": "eur", "locale": "fr",
            "payment_status": "paid", "status": "complete", "client_reference_id": "1001",
            "customer_details": {"email": "lea@example.com", "name": "Léa Petit", "phone": "+33612345678",
                                 "address": {"country": "FR"}},
            "consent": {"promotions": "opt_in"},
        }},
    }),
    _json("A payment failed", {
        "id": "evt_1Q0000000000000000000002", "object": "event", "created": 1795770100, "livemode": True,
        "type": "invoice.payment_failed",
        "data": {"object": {
            "id": "in_1", "object": "invoice", "number": "A-0042", "amount_due": 2000, "currency": "eur",
            "customer_name": "Léa Petit", "customer_phone": "+33612345678", "customer_address": {"country": "FR"},
            "hosted_invoice_url": "https://invoice.example/i/42", "attempt_count": 1,
        }},
    }),
)  # fmt: skip

HUBSPOT = (
    _json("A workflow calls", {
        "vid": 201, "portal-id": 62515, "properties": {
            "firstname": {"value": "Ines"}, "mobilephone": {"value": "+351 912 345 678"}, "country": {"value": "PT"},
            "hs_language": {"value": "pt"}, "sms_consent": {"value": "true"},
        },
    }),
    _json("A contact's phone changed", [{
        "eventId": 100, "subscriptionId": 12345, "portalId": 62515, "appId": 54321, "occurredAt": 1795770000000,
        "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 201, "propertyName": "phone",
        "propertyValue": "+351912345678", "changeSource": "CRM",
    }]),
)  # fmt: skip

ZENDESK = (
    _json("A trigger calls", {
        "type": "ticket.solved", "id": "35436-solved-2", "time": "2026-11-20T09:00:00Z",
        "ticket": {"id": "35436", "title": "Late parcel", "status": "Solved", "url": "help.example/35436"},
        "requester": {"name": "Tom Reid", "phone": "+61412345678", "language": "en-AU"},
    }, x_zendesk_webhook_invocation_id="01HNZZ0000000000000000001"),
    _json("A user was changed", {
        "type": "zen:event-type:user.active_changed", "account_id": 12514403, "time": "2026-11-20T09:00:00Z",
        "id": "2b24ef10-19d4-4740-93cf-8f98ec4776c0", "zendesk_event_version": "2022-06-20",
        "subject": "zen:user:6596848315901", "event": {"current": False, "previous": True},
        "detail": {"id": "6596848315901", "email": "tom@example.com", "role": "end-user"},
    }, x_zendesk_webhook_invocation_id="01HNZZ0000000000000000002"),
)  # fmt: skip

_REPOSITORY = {"id": 1296269, "name": "tea", "full_name": "acme/tea", "html_url": "https://github.example/acme/tea"}
GITHUB = (
    _json("A workflow failed", {
        "action": "completed", "repository": _REPOSITORY, "sender": {"login": "maya"},
        "workflow_run": {"id": 30433642, "name": "CI", "head_branch": "main", "status": "completed",
                         "conclusion": "failure", "run_number": 562, "updated_at": "2026-11-20T09:00:00Z",
                         "html_url": "https://github.example/acme/tea/actions/runs/30433642"},
    }, x_github_event="workflow_run", x_github_delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958", x_github_hook_id="292430182"),
    _json("A release is out", {
        "action": "published", "repository": _REPOSITORY, "sender": {"login": "maya"},
        "release": {"id": 11, "tag_name": "v1.2.0", "name": "1.2.0", "published_at": "2026-11-20T09:00:00Z"},
    }, x_github_event="release", x_github_delivery="72d3162e-cc78-11e3-81ab-4c9367dc0959"),
    _json("The address is tested", {"zen": "Keep it logically awesome.", "hook_id": 292430182, "repository": _REPOSITORY},
          x_github_event="ping", x_github_delivery="72d3162e-cc78-11e3-81ab-4c9367dc0960"),
)  # fmt: skip

_FIRING = {
    "status": "firing", "labels": {"alertname": "DiskFull", "instance": "db-1", "severity": "critical"},
    "annotations": {"summary": "Disk of db-1 is 95 % full"}, "startsAt": "2026-11-20T09:00:00.000Z",
    "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.example/graph", "fingerprint": "c5d1a2b3c4d5e6f7",
}  # fmt: skip
_GROUP = {
    "receiver": "sms", "status": "firing", "groupLabels": {"alertname": "DiskFull"}, "commonLabels": {"severity": "critical"},
    "commonAnnotations": {}, "externalURL": "http://alertmanager.example",
}  # fmt: skip
_OTHER = _FIRING | {
    "labels": {"alertname": "DiskFull", "instance": "db-2", "severity": "critical"},
    "annotations": {"summary": "Disk of db-2 is 97 % full"}, "fingerprint": "a0b1c2d3e4f50617",
}  # fmt: skip
ALERTMANAGER = (
    _json("Two alerts fire", _GROUP | {"version": "4", "groupKey": '{}:{alertname="DiskFull"}', "truncatedAlerts": 0,
                                       "alerts": [_FIRING, _OTHER]}),
    _json("One is resolved", _GROUP | {"version": "4", "groupKey": '{}:{alertname="DiskFull"}', "status": "resolved",
          "alerts": [_FIRING | {"status": "resolved", "endsAt": "2026-11-20T09:30:00.000Z"}]}),
)  # fmt: skip

_GRAFANA_ALERT = _FIRING | {
    "values": {"A": 95}, "valueString": "[ var='A' value=95 ]", "silenceURL": "https://grafana.example/silence",
    "dashboardURL": "https://grafana.example/d/1", "panelURL": "https://grafana.example/d/1?viewPanel=2",
}  # fmt: skip
GRAFANA = (
    _json("An alert fires", _GROUP | {"version": "1", "orgId": 1, "groupKey": "{}:{}", "truncatedAlerts": 0,
          "title": "[FIRING:1] DiskFull", "state": "alerting", "message": "**Firing**", "alerts": [_GRAFANA_ALERT]}),
    _json("It is resolved", _GROUP | {"version": "1", "orgId": 1, "status": "resolved", "title": "[RESOLVED] DiskFull",
          "state": "ok", "alerts": [_GRAFANA_ALERT | {"status": "resolved", "endsAt": "2026-11-20T09:30:00Z"}]}),
)  # fmt: skip

SALESFORCE = (
    Sample(
        name="An outbound message",
        headers={"content-type": "text/xml; charset=utf-8"},
        body="""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>00D000000000001EAA</OrganizationId>
   <ActionId>04k000000000001AAA</ActionId>
   <Notification>
    <Id>04l000000000001AAA</Id>
    <sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>003000000000001AAA</sf:Id>
     <sf:FirstName>Nora</sf:FirstName>
     <sf:MobilePhone>+47 412 34 567</sf:MobilePhone>
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>
""",
    ),
)

MAGENTO = (
    _json("An order was placed", {
        "event": "order.placed", "event_id": "000000123-new",
        "order": {"increment_id": "000000123", "status": "processing", "grand_total": "42.00",
                  "order_currency_code": "USD", "customer_firstname": "Ana", "updated_at": "2026-11-20T09:00:00Z",
                  "billing_address": {"telephone": "(415) 555-0123", "country_id": "US"}},
    }),
)  # fmt: skip

GENERIC = (
    _json("JSON", {"event": "appointment.tomorrow", "id": "ev-1", "time": "2026-11-20T09:00:00Z", "phone": "+4915123456789",
                   "name": "Maya", "language": "en", "when": "09:30"}),
    Sample(name="A form", headers={"content-type": FORM},
           body="event=appointment.tomorrow&id=ev-2&phone=%2B4915123456789&name=Maya&when=09%3A30"),
    Sample(name="XML", headers={"content-type": "application/xml"},
           body="<appointment id='ev-3'><phone>+4915123456789</phone><name>Maya</name><when>09:30</when></appointment>"),
)  # fmt: skip
