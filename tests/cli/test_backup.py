"""`whimbrel backup` and `whimbrel env`: what an operator takes away, and what a shell is given."""

import stat
import subprocess

from tests.cli.product import invoke, quickstart, until, whimbrel


def test_a_copy_of_a_running_node_starts_as_another(node, tmp_path):
    sent = node.ask("POST", "/v1/messages", {"to": "+15005550000", "text": "kept"}).json["id"]
    until(lambda: node.get(f"/v1/messages/{sent}")["status"] == "delivered", what="it is delivered")
    (tmp_path / "data").mkdir(mode=0o700)
    copy = tmp_path / "data" / "whimbrel.db"
    done = whimbrel("backup", copy, "--data", node.folder)
    assert done.code == 0 and "MiB" in done.out
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    for name in ("secret.key", "credentials.json"):
        (tmp_path / "data" / name).write_bytes((node.folder / name).read_bytes())
        (tmp_path / "data" / name).chmod(0o600)
    with quickstart(tmp_path) as other:
        assert other.given["api_key"] == node.given["api_key"]
        assert other.get(f"/v1/messages/{sent}")["text"] == "kept"


def test_nothing_is_overwritten_and_nothing_half_is_left(node, tmp_path):
    there = tmp_path / "there.db"
    there.write_text("precious")
    assert "exists already" in invoke("backup", there, "--data", node.folder).err
    assert there.read_text() == "precious"
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "whimbrel.db").write_bytes(b"x" * 8192)
    done = invoke("backup", tmp_path / "new.db", "--data", broken)
    assert done.code == 1 and "Traceback" not in done.err and not (tmp_path / "new.db").exists()
    none = invoke("backup", tmp_path / "new.db", "--data", tmp_path)
    assert none.code == 1 and "whimbrel.db" in none.err and not (tmp_path / "new.db").exists()


def test_a_shell_is_given_what_it_needs(node):
    printed = whimbrel("env", "--data", node.folder).out
    asked = 'curl -s -H "Authorization: Bearer $WHIMBREL_API_KEY" $WHIMBREL_URL/v1/balance'
    done = subprocess.run(["bash", "-c", f"{printed}\n{asked}"], capture_output=True, text=True)
    assert node.given["account_sid"] in done.stdout
    assert invoke("env", "--data", "/nowhere").code == 2
