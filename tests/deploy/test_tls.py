"""`sslmode=verify-full` in a database URL: our server is taken, another one and a plain one are not. With Debian's
PostgreSQL, because the wheel's is built without TLS.
"""

import shutil
from pathlib import Path

import pytest

from tests.cli.product import whimbrel
from tests.net.certificates import Authority
from tests.pg import Server, as_user

pytestmark = pytest.mark.ci
NAME = "localhost"


def with_certificate(folder: Path, authority: Authority, name: str) -> Server:
    """A server that shows a certificate for this name."""
    issued = authority.issue(name)
    server = Server(programs=next(Path("/usr/lib/postgresql").glob("*/bin")))
    for kind, source in (("crt", issued.cert), ("key", issued.key)):
        target = Path(server.data) / f"server.{kind}"
        shutil.copy(source, target)
        if as_user():
            shutil.chown(target, as_user()["user"])
        target.chmod(0o600)
    server.settings |= {"ssl": "on"}
    return server


def status(url: str, data: Path):
    """What a node would meet."""
    env = {"WHIMBREL_DATABASE": url, "WHIMBREL_SERVER__DATA": str(data)}
    return whimbrel("migrate", "status", env=env)


def test_only_our_server_is_taken(tmp_path):
    ours, others = Authority(tmp_path, "ours"), Authority(tmp_path, "others")
    server = with_certificate(tmp_path, ours, NAME)
    try:
        server.start()
        place = server.url.replace("127.0.0.1", NAME)
        good = status(f"{place}?sslmode=verify-full&sslrootcert={ours.file}", tmp_path)
        assert good.code == 1 and "pending" in good.out, good.err
        stranger = status(f"{place}?sslmode=verify-full&sslrootcert={others.file}", tmp_path)
        assert stranger.code == 1 and "certificate" in stranger.err.lower(), stranger
        misnamed = status(f"{server.url}?sslmode=verify-full&sslrootcert={ours.file}", tmp_path)
        assert misnamed.code == 1 and "certificate" in misnamed.err.lower(), misnamed
    finally:
        server.remove()


def test_a_server_without_tls_is_refused(tmp_path):
    authority = Authority(tmp_path, "ours")
    server = Server()
    try:
        server.start()
        place = server.url.replace("127.0.0.1", NAME)
        plain = status(f"{place}?sslmode=verify-full&sslrootcert={authority.file}", tmp_path)
        assert plain.code == 1 and "SSL" in plain.err, plain
    finally:
        server.remove()
