"""Where the peers live: `.interop/` with an environment for each kind of package. What is there is not made again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".interop"
PYTHON = HOME / "python"
JASMIN = HOME / "jasmin"
NODE = HOME / "node"
JAVA = HERE / "clients" / "java"
KAFKA = HERE / "kafka"
PYPI = ("smpplib==2.2.4", "aiosmpplib==0.7.4", "naz==0.8.1", "smpp34==1.5.0")
JASMIN_PYPI = "jasmin==0.11.1"
NPM = "smpp@0.5.1"
DEBIAN = ("kannel", "redis-server", "rabbitmq-server", "default-jdk-headless", "maven", "nodejs", "npm")
_LONG_S = 900


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """One step of an installation; RuntimeError with its last words when it fails."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=_LONG_S)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stdout + done.stderr)[-1500:]}")


def debian(wanted: tuple[str, ...] = DEBIAN) -> None:
    """The Debian packages that are missing, as root."""
    missing = [name for name in wanted if not _has(name)]
    if missing:
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing)


def _has(package: str) -> bool:
    """Whether the package, or the program that it is wanted for, is there."""
    programs = {"kannel": "bearerbox", "default-jdk-headless": "javac", "maven": "mvn", "nodejs": "node"}
    return any(
        shutil.which(programs.get(package, package), path=path) for path in (None, "/usr/sbin:/usr/bin:/sbin:/bin")
    )


def python_clients() -> None:
    """The clients of PyPI."""
    _environment(PYTHON, *PYPI)


def jasmin() -> None:
    """Jasmin, in an environment of its own: it wants its own versions of everything. 0.11.1 looks for the answer of a
    submit in the wrong variable and so drops every receipt (its issue 1236): the name is put right, as it was upstream
    after that release."""
    _environment(JASMIN, JASMIN_PYPI)
    listeners = next(JASMIN.glob("lib/*/site-packages/jasmin/managers/listeners.py"))
    text = listeners.read_text()
    listeners.write_text(text.replace("_pdu.response", "r.response"))


def _environment(folder: Path, *packages: str) -> None:
    if (folder / "done").exists():
        return
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "-q", *packages)
    (folder / "done").touch()


def node() -> None:
    """The client of npm."""
    if (NODE / "node_modules" / "smpp").exists():
        return
    NODE.mkdir(parents=True, exist_ok=True)
    (NODE / "package.json").write_text(json.dumps({"name": "interop", "version": "1.0.0", "private": True}))
    run("npm", "install", "--silent", "--no-audit", "--no-fund", NPM, cwd=NODE)


def java() -> None:
    """The clients of Maven Central, compiled."""
    jar = JAVA / "target" / "interop-1.jar"
    sources = [JAVA / "pom.xml", *JAVA.glob("src/main/java/*.java")]
    if not jar.exists() or jar.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        run("mvn", "-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=target/lib", cwd=JAVA)


def kafka() -> str:
    """A Kafka broker and its tools: the class path of Java."""
    lib = HOME / "kafka"
    if not (lib / "done").exists():
        debian(("default-jdk-headless", "maven"))
        run("mvn", "-q", "-B", "-f", KAFKA / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={lib}")
        (lib / "done").touch()
    return f"{lib}/*"


def version_of(name: str, python: Path = PYTHON) -> str:
    """The version of a package of PyPI."""
    asked = f"import importlib.metadata as m; print(m.version({name!r}))"
    found = subprocess.run([str(python / "bin" / "python"), "-c", asked], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def debian_version(name: str) -> str:
    """The version of a Debian package."""
    found = subprocess.run(
        ["/usr/bin/dpkg-query", "--show", "--showformat=${Version}", name], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()
