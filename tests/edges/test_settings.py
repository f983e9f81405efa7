"""/v1/settings: for the operator, and nobody else."""

from tests.edges.edge_rig import running_edge


async def test_the_operator_reads_what_the_node_runs_with(tmp_path):
    async with running_edge(tmp_path) as edge:
        found = (await edge.get("/v1/settings", key=edge.operator)).json["data"]
        by_name = {each["name"]: each for each in found}
        assert by_name["retention.messages_days"] == {
            "name": "retention.messages_days",
            "variable": "WHIMBREL_RETENTION__MESSAGES_DAYS",
            "value": 400,
            "default": 400,
            "source": "default",
            "secret": False,
            "takes": "an integer from 1 to 3650",
            "meaning": "Days that messages and their attempts are kept.",
            "restart": True,
        }
        assert by_name["roles"]["value"] == ["api", "worker", "smpp", "console", "mail"]
        assert (await edge.get("/v1/settings")).status == 403
        assert (await edge.get("/v1/settings", key="")).status == 401
