"""A carrier over HTTP in place of the simulator's binds: the sandbox's provider, which calls back."""

from urllib.parse import urlsplit

from .wire import call

_FIELDS = {"to": "{to}", "from": "{from}", "text": "{text}", "reference": "{reference}"}


async def lead_over_http(port: int, operator_key: str, smsc: dict[str, str]) -> None:
    """All routes of the node at `port` lead to such a carrier, and its provider brings everything there. `smsc`: the
    simulator's address."""
    settings = {"url": f"{smsc['provider_url']}/messages", "fields": _FIELDS, "receipt_to": "to", "window": 50}
    wanted = {"name": "heron", "kind": "http", "settings": settings}
    made = await call(port, "POST", "/v1/carriers", wanted, operator_key)
    assert made.status == 201, made.body
    carrier = made.json()
    for route in (await call(port, "GET", "/v1/routes", key=operator_key)).json()["data"]:
        changed = await call(port, "PATCH", f"/v1/routes/{route['id']}", {"carriers": [carrier["id"]]}, operator_key)
        assert changed.status == 200, changed.body
    calls = {name: f"http://127.0.0.1:{port}{urlsplit(carrier[name]).path}" for name in ("receipts_url", "inbound_url")}
    control = int(smsc["http_url"].rpartition(":")[2])
    assert (await call(control, "POST", "/provider", calls)).status == 200
