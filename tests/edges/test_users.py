"""/v1/users and /v1/roles: who may invite whom, and what is told of people."""

from tests.edges.edge_rig import running_edge


async def test_people_of_an_account(tmp_path):
    async with running_edge(tmp_path) as edge:
        made = await edge.post("/v1/users", {"email": "Ada@example.com", "role": "owner", "name": "Ada"})
        assert made.status == 201 and made.headers["location"] == f"/v1/users/{made.json['id']}"
        assert made.json["code"] and made.json["status"] == "invited" and made.json["account_id"] == edge.customer.id
        shown = await edge.get(f"/v1/users/{made.json['id']}")
        assert "code" not in shown.json and "password" not in shown.json and shown.json["email"] == "ada@example.com"
        assert [row["id"] for row in (await edge.get("/v1/users")).json["data"]] == [made.json["id"]]
        again = await edge.post("/v1/users", {"email": "ada@example.com", "role": "support"})
        assert again.code == "conflict" and again.json["errors"][0]["pointer"] == "/email"
        fresh = await edge.post(f"/v1/users/{made.json['id']}/link")
        assert fresh.json["code"] != made.json["code"]
        assert (await edge.ask("PATCH", f"/v1/users/{made.json['id']}", json={"role": "support"})).code == "in_use"
        named = await edge.ask("PATCH", f"/v1/users/{made.json['id']}", json={"name": "Ada L."})
        assert (named.status, named.json["name"]) == (200, "Ada L.")
        assert (await edge.ask("DELETE", f"/v1/users/{made.json['id']}")).code == "in_use"
        second = await edge.post("/v1/users", {"email": "bob@example.com", "role": "owner"})
        assert (await edge.ask("DELETE", f"/v1/users/{made.json['id']}")).status == 204
        assert (await edge.get(f"/v1/users/{made.json['id']}")).status == 404
        roles = (await edge.get("/v1/roles")).json["data"]
        assert roles[0]["name"] == "owner" and "operator" not in roles[0]["scopes"]
        other = await edge.new_customer()
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/link")):
            body = {"name": "x"} if method == "PATCH" else None
            asked = await edge.ask(method, f"/v1/users/{second.json['id']}{path}", key=other.live, json=body)
            assert asked.status == 404


async def test_the_operators_people_and_those_of_an_account(tmp_path):
    async with running_edge(tmp_path) as edge:
        staff = await edge.post("/v1/users", {"email": "op@example.com", "role": "operator"}, key=edge.operator)
        assert staff.json["account_id"] is None
        headers = {"X-Account-Id": edge.customer.id}
        theirs = await edge.post(
            "/v1/users", {"email": "shop@example.com", "role": "owner"}, key=edge.operator, headers=headers
        )
        assert theirs.json["account_id"] == edge.customer.id
        assert len((await edge.get("/v1/users", key=edge.operator)).json["data"]) == 1
        assert len((await edge.get("/v1/users")).json["data"]) == 1
        assert "operator" in (await edge.get("/v1/roles", key=edge.operator)).json["data"][0]["scopes"]


async def test_what_is_refused_changes_nothing(tmp_path):
    async with running_edge(tmp_path) as edge:
        for body, pointer in (
            ({"email": "ada", "role": "owner"}, "/email"),
            ({"email": "ada@example.com", "role": "king"}, "/role"),
            ({"email": "ada@example.com"}, "/role"),
            ({"email": "ada@example.com", "role": "owner", "admin": True}, "/admin"),
        ):
            refused = await edge.post("/v1/users", body)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == pointer
        small = await edge.new_key(edge.customer.id, ("users:write", "messages:read"))
        mighty = await edge.post("/v1/users", {"email": "ada@example.com", "role": "owner"}, key=small)
        assert mighty.status == 422 and mighty.json["errors"][0]["pointer"] == "/role"
        blind = await edge.new_key(edge.customer.id, ("messages:read",))
        assert (await edge.get("/v1/users", key=blind)).code == "forbidden"
        test = await edge.post("/v1/users", {"email": "a@b.c", "role": "owner"}, key=edge.customer.test)
        assert test.code == "test_mode"
        assert (await edge.get("/v1/users")).json["data"] == []
