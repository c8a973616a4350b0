"""The command line: what programs read is on standard output, what people read on standard error, and faults are sentences."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from gateway import VERSION
from gateway.cli import terminal
from gateway.environment import without_password
from gateway.migrations import head
from gateway.observability.rest_usage import RestUses
from gateway.settings import Settings
from rest_compat.protocol import RestUse
from schema.administration.keys import ApiKeys, NewKey
from schema.administration.usage_report import COLUMNS, UsageFilter, uses
from schema.rules.access import Caller, Role
from schema.storage.database import Database
from tests.gateway.conftest import Run
from tests.live_server import stop

TOKEN = re.compile(r"pk_live_[\w-]{43}\n", re.ASCII)


@pytest.fixture
def on(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same on a database of each kind, named by the environment."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", database_url)
    return run


def test_token_create_prints_the_token_alone(on: Run) -> None:
    """A script may take standard output as the token; the rest is on standard error."""
    made = on("token", "create", "--workspace", "Acme", "--role", "member")
    assert made.code == 0
    assert TOKEN.fullmatch(made.out)
    assert "Made the workspace Acme." in made.err
    assert "In the database " in made.err
    assert made.out.strip() not in made.err
    assert "workspace" not in on("token", "create", "--workspace", "Acme", "--role", "viewer").err


@pytest.mark.parametrize("is_terminal", [False, True])
def test_names_that_would_do_something(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    """What a workspace's admin calls a key moves no cursor of the operator's, makes no column or row, and is no markup that ends a list."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    monkeypatch.setenv("COLUMNS", "100")
    terminal.print_rows(["name"], [["é[/x]\x1b[2J\x9b1m\t\nrow\u202e"]])
    terminal.say("é\x1b[2J\nrow")
    shown = capsys.readouterr()
    assert r"é[/x]\x1b[2J\x9b1m\t\nrow\u202e" in shown.out
    assert shown.err == "é\\x1b[2J\nrow\n"


def test_tokens_are_listed_and_revoked(on: Run) -> None:
    """The list has a line a key, with its workspace, role and times, and never a token."""
    made = on("token", "create", "--workspace", "Acme", "--role", "admin", "--name", "nightly sync", "--expires", "30")
    head, row = (line.split("\t") for line in on("token", "list").out.splitlines())
    key = dict(zip(head, row, strict=True))
    assert (key["workspace"], key["name"], key["role"], key["revoked_at"]) == ("Acme", "nightly sync", "admin", "")
    assert key["created_at"] < key["expires_at"]
    assert made.out.strip() not in on("token", "list").out
    assert on("token", "revoke", key["id"]).code == 0
    assert on("token", "list").out.splitlines()[1].split("\t")[-1] >= key["created_at"]


def test_seed(on: Run) -> None:
    """Seeding tells what it wrote, and refuses to write twice."""
    seeded = on("seed", "--opportunities", "30", "--accounts", "4", "--users", "3", "--contacts", "6", "--workspace", "Full")
    assert (seeded.code, seeded.out) == (0, "")
    assert "rows into the workspace Full" in seeded.err
    again = on("seed", "--opportunities", "30", "--workspace", "Full")
    assert (again.code, again.err) == (2, "gateway: the workspace Full has accounts already: choose another by --workspace\n")


def test_a_limited_viewer_needs_an_account_that_is_there(on: Run) -> None:
    """`--account` is checked when the key is made; nothing is made where it is wrong."""
    refused = on("token", "create", "--workspace", "New", "--role", "viewer", "--account", "acc_none")
    assert (refused.code, refused.out) == (2, "")
    assert "there is no account with this id" in refused.err
    assert "only a viewer" in on("token", "create", "--workspace", "New", "--role", "admin", "--account", "acc_none").err
    assert len(on("token", "list").out.splitlines()) == 1


def test_migrate(on: Run) -> None:
    """Migrating says where the database stands; doing it again is nothing."""
    assert on("migrate").err == f"The database is at revision {head()}.\n"
    assert on("migrate").code == 0


def test_sqlite_is_migrated_by_any_command(run: Run, tmp_path: Path) -> None:
    """On SQLite there is nothing to set up: the file comes with the first command that writes, where the default says."""
    assert run("token", "create", "--workspace", "Acme", "--role", "admin").code == 0
    assert (tmp_path / "gateway.db").exists()
    assert run("token", "list").code == 0


def test_postgresql_is_migrated_only_when_asked(run: Run, postgres_server: Any) -> None:
    """An unmigrated PostgreSQL is left alone, and the message says what to do."""
    with postgres_server.database(template="template0") as url:
        refused = run("token", "list", "--database-url", url)
        assert (refused.code, refused.err) == (2, "gateway: the database isn't at the newest revision: run gateway migrate first\n")
        assert run("migrate", "--database-url", url).code == 0
        assert run("token", "list", "--database-url", url).code == 0


def test_more_than_memory_holds_is_not_seeded(run: Run, tmp_path: Path) -> None:
    """A number with a digit too many is refused before anything is made: it ended with a MemoryError."""
    for option in ("--opportunities", "--accounts", "--users", "--contacts"):
        given = [] if option == "--opportunities" else ["--opportunities", "1"]
        refused = run("seed", *given, option, "99999999999999999999")
        assert (refused.code, "Traceback" in refused.err) == (2, False)
        assert option in refused.err
    assert not (tmp_path / "gateway.db").exists()


def test_what_is_no_text_is_named(run: Run, tmp_path: Path) -> None:
    """A document in UTF-16, as a shell of Windows writes it, is named with what to do about it."""
    file = tmp_path / "a.graphql"
    file.write_bytes("{ stages { value } }".encode("utf-16"))
    assert (run("explain", str(file)).err, run("explain", str(file)).code) == (
        f"gateway: {file}: it is no text in UTF-8: save it as such\n",
        2,
    )


@pytest.mark.parametrize("closed", ["<&- >&-", ">&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    """Who closes the standard streams, as programs that start others do, gets no traceback: nobody reads what is said."""
    (tmp_path / "log").touch()
    told = "2>log" if "2>" not in closed else ""
    line = f'"$0" -m gateway openapi {closed} {told}; echo $? > code'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(["sh", "-c", line, sys.executable], check=True, cwd=tmp_path, env=environment, timeout=120)
    assert ((tmp_path / "code").read_text(), (tmp_path / "log").read_text()) == ("0\n", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "--port", "abc"], "--port"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--rate-limit", "often"], "300/minute"),
        (["serve", "--no-such-flag"], "No such option"),
        (["serve", "--demo", "--host", "0.0.0.0"], "loopback only"),
        (["serve", "--jwt-secret", "short"], "GATEWAY_JWT_SECRET"),
        (["serve", "--jwt-secret", "short", "--workers", "2"], "GATEWAY_JWT_SECRET"),
        (["migrate", "--database-url", "mysql://x"], "sqlite:///path or postgresql://"),
        (["token", "create", "--workspace", "A", "--role", "boss"], "'boss'"),
        (["token", "create", "--role", "admin"], "--workspace"),
        (["token", "create", "--workspace", " ", "--role", "admin"], "--workspace: give 1 to 100 printable characters"),
        (["token", "create", "--workspace", "A", "--role", "admin", "--expires", "0"], "--expires"),
        (["token", "revoke", "key_none"], "there is no key key_none: gateway token list tells"),
        (["usage", "--kind", "none"], "--kind: write one of route, "),
        (["usage", "--graphql", "--kind", "route"], "--kind: write one of operation, field"),
        (["usage", "--share", "--graphql"], "leave out --graphql and --kind"),
        (["usage", "--share", "--kind", "route"], "leave out --graphql and --kind"),
        *(([*command, "--workspace", "None"], "there is no workspace 'None'") for command in (["usage"], ["usage", "--share"], ["audit"])),
        (["explain", "none.graphql"], "gateway: none.graphql: no such file or directory"),
        (["translate", "--har", "none.har"], "gateway: --har: none.har: no such file or directory"),
        (["translate", "PATCH", "/api/opportunities/opp_1/"], "PATCH /api/opportunities/opp_1/ has a body: give it by --body, as JSON"),
        (["translate", "GET", "/api/opportunities/", "--verify", "http://127.0.0.1:1"], "give --har FILE, too"),
        (["seed", "--opportunities", "-1"], "--opportunities"),
        (["seed"], "--opportunities"),
        (["nothing"], "nothing"),
    ],
)
def test_bad_input_is_told(run: Run, arguments: list[str], says: str) -> None:
    """What can't be is refused with exit code 2 and a sentence on standard error, never a traceback."""
    Path("gateway.db").touch()
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert says in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:////no/such/folder/x.db", "the database says: .+there is no folder /no/such/folder: make it"),
        ("sqlite:////tmp", "the database says: .+/tmp is a folder: name a file in it"),
        ("postgresql://nobody:s3cret@127.0.0.1:1/none", "the database can't be reached: 127.0.0.1:1: nothing listens there: is the server"),
        ("postgresql://nobody@no..host/none", "the database can't be reached: no..host: there is no host of this name"),
        ("postgresql://nobody@no-host.invalid/none", "the database can't be reached: no-host.invalid: there is no host of this name"),
        ("postgresql:///none?host=/no/such", "the database can't be reached: /no/such: a socket or a file .+ isn't there"),
        ("postgresql://nobody@127.0.0.1/none?sslmode=x", "127.0.0.1: .*sslmode.* must be one of: .+: look at what stands behind the \\?"),
    ],
)
def test_a_database_that_is_away_is_told(run: Run, url: str, says: str) -> None:
    """No database: exit code 1 and one line that says where, why and what to look at, in no words of Python's."""
    result = run("token", "list", "--database-url", url)
    assert (result.code, result.out) == (1, "")
    assert re.fullmatch(rf"gateway: .*{says}.*\n", result.err), result.err
    assert not re.search(r"Error|Errno|s3cret", result.err)


def test_schema_prints_the_sdl(run: Run) -> None:
    """The SDL is the one that is checked in."""
    assert run("schema").out.rstrip("\n") == (Path(__file__).parents[1] / "contracts/schema.graphql").read_text("utf-8").rstrip("\n")


def test_openapi_prints_the_document(run: Run) -> None:
    """The document is JSON, OpenAPI 3.1, and needs no database."""
    document = json.loads(run("openapi").out)
    assert document["openapi"].startswith("3.1")
    assert "/api/opportunities/" in document["paths"]


def test_translate_shows_the_operation(run: Run) -> None:
    """A REST call's operation and variables, without running it; what the gateway would refuse is told."""
    shown = run("translate", "GET", "/api/opportunities/?stage=proposal&limit=5").out
    document, variables = shown.split("\n# Variables: ")
    assert document.startswith("query ListOpportunities")
    assert json.loads(variables)["first"] == 5
    written = run("translate", "POST", "/api/opportunities/", "--body", '{"name": "A", "accountId": "acc_1"}').out
    assert json.loads(written.split("# Variables: ")[1])["input"] == {"name": "A", "accountId": "acc_1"}
    refused = run("translate", "GET", "/api/opportunities/?limit=many")
    assert (refused.code, refused.out) == (2, "")
    assert "limit" in refused.err
    ignored = run("translate", "GET", "/api/opportunities/?page_size=5&cursor=x")
    assert (ignored.code, ignored.err) == (0, "Ignored: page_size, cursor\n")


RECORDED = """
10.0.0.1 - - [24/Nov/2026:10:00:00 +0000] "GET /api/opportunities/?stage=proposal&limit=5 HTTP/1.1" 200 900 "-" "old client"
10.0.0.1 - - [24/Nov/2026:10:00:01 +0000] "GET /api/opportunities/?limit=5&stage=proposal HTTP/1.1" 200 900 "-" "old client"
10.0.0.1 - - [24/Nov/2026:10:00:02 +0000] "GET /api/accounts/?search=m%C3%BCller HTTP/1.1" 200 900 "-" "old client"
10.0.0.1 - - [24/Nov/2026:10:00:03 +0000] "GET /api/opportunities/opp_none/ HTTP/1.1" 404 90 "-" "old client"
10.0.0.1 - - [24/Nov/2026:10:00:04 +0000] "POST /api/opportunities/ HTTP/1.1" 201 900 "-" "old client"
"""


def query_recording(url: str) -> str:
    """A HAR of one QUERY, a part of whose parameters is in its address and a part in its body."""
    posted = {"mimeType": "application/json", "text": '{"stage": ["proposal", "negotiation"], "valueMin": 1}'}
    request = {"method": "QUERY", "url": f"{url}/api/opportunities/?limit=3", "headers": [], "postData": posted}
    return json.dumps({"log": {"entries": [{"request": request, "response": {"status": 200}}]}})


def test_a_recording_becomes_documents_that_say_the_same(run: Run, tmp_path: Path) -> None:
    """An access log becomes a folder of documents, and a running gateway answers each read alike through both doors."""
    (tmp_path / "access.log").write_text(RECORDED)
    for running in demo(tmp_path):
        address, token = (re.search(rf"^{name} +(\S+)$", running.banner, re.MULTILINE) for name in ("Browser", "Token"))
        assert address is not None
        assert token is not None
        url = address[1].removesuffix("/graphql")
        result = run("translate", "--har", "access.log", "--out", "documents", "--verify", url, "--token", token[1])
        assert (result.code, result.out) == (0, "")
        assert "Wrote 3 operations into documents, for 4 of 5 calls (80.0 %): see documents/README.md" in result.err
        assert "Not covered: 1 × POST /api/opportunities/: The recording has no body for it" in result.err
        assert "Compared 3 reads: 0 differ." in result.err
        (tmp_path / "query.har").write_text(query_recording(url))
        queries = run("translate", "--har", "query.har", "--out", "queries", "--verify", url, "--token", token[1])
        assert (queries.code, queries.out) == (0, "")
        assert "Compared 1 reads: 0 differ." in queries.err
        wrong = run("translate", "--har", "access.log", "--verify", url, "--token", "pk_live_none")
        assert wrong.code == 2
        assert wrong.err.endswith("doesn't let this token read: 401\n")
    assert "query ListOpportunitiesByStage(" in (tmp_path / "documents/operations/ListOpportunitiesByStage.graphql").read_text()
    assert run("translate", "--har", "none.log").code == 2
    assert run("translate").code == 2


async def test_usage_lists_what_rest_is_used_for(database: Database) -> None:
    """A line for each token, route and parameter: how often and when last; the token is named."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "old client"))
    caller = Caller(created.workspace_id, Role.ADMIN, None, None, created.id)
    counted = RestUses(database)
    for _ in range(3):
        counted.note(caller, (RestUse("GET /api/opportunities/", "parameter", "stage"),))
    await counted.flush()
    (row,) = await uses(database, UsageFilter())
    assert row[:7] == ["Acme", created.id, "old client", "GET /api/opportunities/", "parameter", "stage", "3"]


def test_usage_prints_a_list(on: Run) -> None:
    """Without uses there is the heading alone."""
    assert on("usage").out.split() == list(COLUMNS)


def test_usage_in_other_forms(on: Run) -> None:
    """As a table, as JSON for programs, of either door, and the shares; a day that is none is refused."""
    assert json.loads(on("usage", "--json").out) == []
    assert on("usage", "--graphql").out.split()[:4] == ["workspace", "token_id", "token", "client"]
    assert on("token", "create", "--workspace", "Acme", "--role", "admin").code == 0
    assert on("usage", "--share", "--workspace", "Acme").out.split()[3:6] == ["rest_calls", "graphql_operations", "left_rest_percent"]
    assert on("usage", "--since", "soon").code == 2


def test_every_setting_has_a_flag(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag of the same name overrides each setting, whatever the environment says."""
    monkeypatch.setenv("COLUMNS", "300")
    text = run("serve", "--help").out
    for name in Settings.model_fields:
        assert re.search(rf"--{name.replace('_', '-')}\b", text), name
    served: list[Settings] = []
    monkeypatch.setattr("gateway.serving.serve", lambda settings, *_, **__: served.append(settings))
    monkeypatch.setenv("GATEWAY_PORT", "9000")
    monkeypatch.setenv("GATEWAY_KEEP_ALIVE", "7")
    assert run("serve", "--port", "9001", "--cors-origins", "https://a.example,https://b.example", "--no-metrics").code == 0
    assert (served[0].port, served[0].keep_alive, served[0].metrics) == (9001, 7, False)
    assert served[0].cors_origins == ("https://a.example", "https://b.example")
    assert run("serve", "--port", "0").code == 0
    assert served[1].port > 0


def test_serve_makes_one_application(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The application that the settings were checked with is the one that a single process serves."""
    made, served = [], []
    monkeypatch.setattr("gateway.app.Application.__init__", lambda app, *_: made.append(app))
    monkeypatch.setattr("gateway.app.Application.asgi", None, raising=False)
    monkeypatch.setattr("gateway.app.Application.at_start", [], raising=False)
    monkeypatch.setattr("gateway.serving.Server.run", lambda server, _: served.append(server.config.app()))
    assert run("serve", "--port", "0", "--database-url", f"sqlite:///{tmp_path / 'x.db'}").code == 0
    assert (len(made), len(served)) == (1, 1)


@dataclass(frozen=True)
class Demo:
    """A running `python -m gateway serve --demo` and what it printed."""

    banner: str

    @property
    def curl(self) -> str:
        """The line to paste."""
        return next(line for line in self.banner.splitlines() if line.startswith("curl "))


def demo(folder: Path, *arguments: str) -> Iterator[Demo]:
    """A demo in a process of its own, without a terminal, in `folder`."""
    command = [sys.executable, "-m", "gateway", "serve", "--demo", "--port", "0", *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        banner = ""
        while "Browser" not in banner:
            line = process.stdout.readline()
            assert line, "the demo ended"
            banner += line
        try:
            yield Demo(banner)
        finally:
            stop(process)
            assert process.returncode in {0, -signal.SIGTERM}


def test_the_demo(tmp_path: Path) -> None:
    """The printed curl line works as it stands, the explorer is where it says, and a second run shows the same data by the same token."""
    seen = []
    for _ in range(2):
        for running in demo(tmp_path):
            answer = json.loads(subprocess.check_output(["bash", "-c", running.curl]))
            assert answer["count"] == 200
            assert len(answer["results"]) == 5
            address = re.search(r"^Browser +(\S+)$", running.banner, re.MULTILINE)
            assert address is not None
            with urlopen(Request(address[1], headers={"Accept": "text/html"}), timeout=60) as page:
                assert page.status == 200
            token = re.search(r"^Token +(\S+)$", running.banner, re.MULTILINE)
            assert token is not None
            assert f"Authorization: Bearer {token[1]}" in shlex.split(running.curl)
            seen.append((token[1], answer["results"]))
    assert seen[0] == seen[1]
    (kept,) = tmp_path.rglob("*.demo-token")
    assert kept.stat().st_mode & 0o077 == 0


def test_the_version(run: Run) -> None:
    """`--version` says it, and nothing else."""
    assert run("--version").out == f"{VERSION}\n"


@pytest.mark.parametrize("command", [("token", "list"), ("token", "revoke", "key_1"), ("usage",)])
def test_to_look_makes_no_database(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    """In the wrong folder a command says so, in place of making an empty database there."""
    refused = run(*command)
    assert (refused.code, refused.out) == (2, "")
    assert "there is no database gateway.db here" in refused.err
    assert not (tmp_path / "gateway.db").exists()


def test_serving_without_a_key_says_how_to_make_one(tmp_path: Path) -> None:
    """An empty database answers nobody: what is missing is a command that can be pasted."""
    command = [sys.executable, "-m", "gateway", "serve", "--port", "0"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while "Serving version" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        stop(process)
    assert "There is no API key yet. Make one by: gateway token create --workspace NAME --role admin" in said


def test_a_password_is_not_shown() -> None:
    """The address of a database is told without it."""
    assert without_password("postgresql://me:s%40cret@one,two:5433/name?password=x") == "postgresql://me@one,two:5433/name"
    assert without_password("sqlite:////data/gateway.db") == "sqlite:////data/gateway.db"


def test_the_demo_leaves_other_data_alone(run: Run) -> None:
    """A database that holds something is not filled with a demo."""
    assert run("token", "create", "--workspace", "Real", "--role", "admin").code == 0
    refused = run("serve", "--demo", "--port", "0")
    assert refused.code == 2
    assert "this one holds other workspaces (Real)" in refused.err


def test_texts_that_python_takes_away() -> None:
    """The graph is described by docstrings: without them the start ends with a sentence."""
    done = subprocess.run([sys.executable, "-OO", "-m", "gateway", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"gateway: PYTHONOPTIMIZE=2, or -OO, .+\n", done.stderr)


def test_it_runs_as_a_module() -> None:
    """`python -m gateway` is `gateway`."""
    text = subprocess.check_output([sys.executable, "-m", "gateway", "--help"], text=True)
    assert all(name in text for name in ("serve", "migrate", "token", "seed", "schema", "openapi"))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ('{"v": 1e999999}', "a number too large for a double"),
        ('{"v": NaN}', "NaN, which is not JSON"),
        ('{"v": 1, "v": 2}', 'the key "v" twice'),
        ("[", "malformed"),
        ("5", "give a JSON object"),
        ('{"v": "1e999999"}', "is not an amount: write a number with at most two decimals"),
        ('{"v": null}', "`isNull`"),
    ],
)
def test_variables_to_explain(run: Run, tmp_path: Path, variables: str, said: str) -> None:
    """Variables are read as strictly as a request's, and what is wrong with them is said in a sentence."""
    (tmp_path / "a.graphql").write_text("query($v: Money) { opportunities(filter: {value: {gte: $v}}) { totalCount } }")
    explained = run("explain", "a.graphql", "--variables", variables)
    assert (explained.code, said in explained.err) == (2, True), explained.err


@pytest.mark.parametrize("field", ["auditEntries { nodes { id } }", "apiKeys { id }"])
def test_what_only_admins_may_read_is_explained(run: Run, tmp_path: Path, field: str) -> None:
    """The plan is an administrator's, with the statements of lists that are refused to all others."""
    (tmp_path / "a.graphql").write_text(f"{{ {field} }}")
    explained = run("explain", "a.graphql")
    assert (explained.code, "SELECT t0.id" in explained.out) == (0, True), explained.out


@pytest.mark.parametrize("name", ["\u200b", "\ufeff\u00ad", "\u3164", " \u3000", "a\u0007"])
def test_names_by_the_command_line(run: Run, name: str) -> None:
    """A workspace and a key have names that can be seen."""
    for arguments in (["--workspace", name], ["--workspace", "W", "--name", name]):
        created = run("token", "create", "--role", "admin", *arguments)
        assert (created.code, "printable characters" in created.err) == (2, True)
