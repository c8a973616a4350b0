"""Every file of deploy/ that has a linter is read by it, and what one file takes from another is there."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from gateway.environment import PREFIX
from gateway.settings import Settings
from schema.storage.postgresql.driver import session_settings
from tests.deploy.tools import DEPLOY, need, run
from tests.environments import programs_of

HERE = Path(__file__).parent
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.relative_to(DEPLOY).parts[:-1])
#: What the hardening of a service may leave open, of 100 (systemd calls it exposure): below 20 is what systemd calls OK.
EXPOSURE = 20


@pytest.fixture(scope="module")
def linters() -> Path:
    return programs_of(HERE / "requirements.lock", HERE / ".venv-deploy")


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def documents(path: Path) -> Any:
    return [*yaml.safe_load_all(path.read_text("utf-8"))]


def test_the_containerfile(linters: Path) -> None:
    """hadolint, which knows what makes images large, unsafe or different each time, finds nothing."""
    done = run(linters / "hadolint", DEPLOY / "Containerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_what_the_containerfile_promises() -> None:
    """Several stages, pages built, locks with hashes, a user without rights, a health check; whatever it copies is there."""
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert text.count("\nFROM ") == 3
    assert "npm run build" in text
    assert all("--require-hashes" in line for line in text.splitlines() if " install " in line and "-r " in line)
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "npm" not in last
    assert "pip" not in last
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE) for word in line.split()]
    seen = {line[1:] for line in (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    for name in copied:
        assert (DEPLOY.parent / name).exists(), name
        assert name.partition("/")[0] in seen, name


def test_the_health_check(tmp_path: Path) -> None:
    """The command of the image's health check is a program that runs: it fails where nobody answers, and not before it has asked."""
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    (command,) = re.findall(r"^  CMD (\[.*\])$", text, re.MULTILINE)
    program, *arguments = json.loads(command)
    assert program == "python"
    done = run(sys.executable, *arguments, env={"GATEWAY_PORT": "1"}, cwd=tmp_path)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_the_container_is_built() -> None:
    """Where there is an engine that reaches a registry, the image is made and says its version."""
    engine = need("docker")
    if run(engine, "info").returncode or run(engine, "pull", "-q", "docker.io/library/python:3.13-slim-bookworm").returncode:
        pytest.skip("no container engine that reaches a registry")
    command = [engine, "build", "-q", "-f", str(DEPLOY / "Containerfile"), "-t", "gateway-test", str(DEPLOY.parent)]
    subprocess.run(command, check=True, timeout=900)
    assert run(engine, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "gateway-test", "--version").returncode == 0


def test_compose(linters: Path, compose: Any) -> None:
    """The file is one of the Compose specification, and networks, volumes and secrets that services use are declared."""
    program = "import sys, compose_spec; compose_spec.PyCompose.from_json(sys.stdin.read()).validate()"
    # YAML's own merging is done; what begins with `x-` is the file's own.
    text = json.dumps({name: each for name, each in compose.items() if not name.startswith("x-")})
    done = run(linters / "python", "-c", program, input=text)
    assert done.returncode == 0, done.stderr
    for right, wrong in (('"networks": ["inside"]', '"networks": ["outside"]'), ("cap_drop", "cap_dropped")):
        assert run(linters / "python", "-c", program, input=text.replace(right, wrong)).returncode


def test_what_compose_promises(compose: Any) -> None:
    """Two gateways with a root file system that is read-only and no rights; only nginx and, for this machine, Grafana have ports."""
    services = compose["services"]
    gateways = [name for name in services if name.startswith("gateway-")]
    assert len(gateways) == 2
    for name in [*gateways, "migrate"]:
        assert (services[name]["read_only"], services[name]["cap_drop"]) == (True, ["ALL"])
    assert {name: each["ports"] for name, each in services.items() if "ports" in each} == {
        "nginx": ["80:80", "443:443"],
        "grafana": ["127.0.0.1:3000:3000"],
    }
    assert all(":" in each["image"] for name, each in services.items() if name not in {*gateways, "migrate"})


def test_what_compose_mounts_is_there(compose: Any, tmp_path: Path) -> None:
    """Files of this folder, and the secrets that deploy/secrets.sh makes."""
    made = _secrets(tmp_path)
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), source
    assert {Path(each["file"]).name for each in compose["secrets"].values()} == {path.name for path in made.iterdir()}


def _secrets(folder: Path) -> Path:
    """What deploy/secrets.sh makes in a copy of the folder."""
    need("openssl")
    script = folder / "secrets.sh"
    script.write_bytes((DEPLOY / "secrets.sh").read_bytes())
    for _ in range(2):
        done = run("sh", script, "crm.example.com")
        assert (done.returncode, done.stdout) == (0, "Made deploy/secrets for crm.example.com.\n"), done.stderr
    return folder / "secrets"


def test_secrets(tmp_path: Path, compose: Any) -> None:
    """They fit one another, nobody else can reach them, and what is there already stays."""
    made = _secrets(tmp_path)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    password = (made / "database_password").read_text().strip()
    address = urlsplit((made / "database_url").read_text().strip())
    assert (address.username, address.password, address.hostname) == ("gateway", password, "pgbouncer")
    assert address.hostname in compose["services"]
    assert (made / "pgbouncer_userlist").read_text() == f'"gateway" "{password}"\n'
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    assert {path.name: path.read_bytes() for path in _secrets(tmp_path).iterdir()} == before


def test_the_service(tmp_path: Path) -> None:
    """Systemd finds no fault with it, and little that it could do beyond serving."""
    analyze = need("systemd-analyze")
    unit = tmp_path / "gateway.service"
    text = (DEPLOY / "gateway.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/gateway/bin/gateway", need("true")))
    done = run(analyze, "verify", "--recursive-errors=no", unit)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=perhaps"))
    assert "perhaps" in run(analyze, "verify", "--recursive-errors=no", unit).stderr
    command = [analyze, "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager"]
    assert run(*command, DEPLOY / "gateway.service").returncode == 0
    unit.write_text(re.sub(r"^(Protect|Private|Restrict|SystemCall|Capability|Dynamic).*\n", "", text, flags=re.MULTILINE))
    assert run(*command, unit).returncode != 0


def test_kubernetes(linters: Path, tmp_path: Path) -> None:
    """Each manifest is of its kind, strictly: no key is unknown."""
    done = run(linters / "kubernetes-validate", "--strict", *MANIFESTS)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((DEPLOY / "kubernetes" / "deployment.yaml").read_text().replace("maxSurge", "maxSurprise"))
    assert run(linters / "kubernetes-validate", "--strict", wrong).returncode


def test_what_kubernetes_promises() -> None:
    """Service, budget and Deployment mean the same pods; ports have their names; no container has rights that it doesn't need."""
    found = {each["kind"]: each for path in MANIFESTS for each in documents(path)}
    pod = found["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    for selector in (
        found["Service"]["spec"]["selector"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        found["Deployment"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
        assert not selector.items() <= found["Job"]["spec"]["template"]["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    names = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in found["Service"]["spec"]["ports"]} <= names
    assert {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} <= names
    for each in (pod["spec"], found["Job"]["spec"]["template"]["spec"]):
        assert each["securityContext"]["runAsNonRoot"]
        assert each["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
        assert each["containers"][0]["image"] == container["image"]
    delay = float(found["ConfigMap"]["data"]["GATEWAY_SHUTDOWN_DELAY"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > delay + Settings.model_fields["shutdown_timeout"].default


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_settings_are_there(path: Path) -> None:
    """A variable that a file names is a setting."""
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]*[A-Z])\b", path.read_text("utf-8")))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_values_are_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The values that a file gives to settings are ones that they may have; files of secrets are not read for that."""
    assigned = rf"""(?:^\s*{PREFIX}([A-Z_]+): |{PREFIX}([A-Z_]+)=)["']?(?:\$\{{\w+:-)?([^"'\s}}]*[^"'\s}}.])"""
    given = [(one or other, value) for one, other, value in re.findall(assigned, path.read_text("utf-8"), re.MULTILINE)]
    values = {name.lower(): value for name, value in given if not name.endswith("_FILE")}
    Settings(**values)


def test_pgbouncer_and_the_role() -> None:
    """Each setting of a session that PgBouncer can't pass on is ignored by it, and given to the role with the gateway's own value."""
    ini = (DEPLOY / "pgbouncer.ini").read_text("utf-8")
    role = dict(re.findall(r"^ALTER ROLE gateway SET (\w+) = '?(\w+?)(?:ms)?'?;$", (DEPLOY / "postgresql.sql").read_text(), re.MULTILINE))
    (ignored,) = re.findall(r"^ignore_startup_parameters = (.*)$", ini, re.MULTILINE)
    session = session_settings(Settings.model_fields["statement_timeout"].default)
    # These it passes on.
    tracked = {"application_name", "timezone", "datestyle"}
    assert session.keys() - tracked <= set(ignored.split(", "))
    assert role == {name: value for name, value in session.items() if name != "application_name"}


def test_litestream_is_told_of_the_service_file() -> None:
    """It copies the file that the service writes."""
    (database,) = documents(DEPLOY / "litestream.yml")[0]["dbs"]
    service = (DEPLOY / "gateway.service").read_text("utf-8")
    (folder,) = re.findall(r"^WorkingDirectory=(.*)$", service, re.MULTILINE)
    assert database["path"] == f"{folder}/gateway.db"
    assert Settings.model_fields["database_url"].default == "sqlite:///gateway.db"
