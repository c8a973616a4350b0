"""Clients made by code generators of our OpenAPI documents, compiled, each doing the same round trip against a real server.

The list with two stages and both dates; create with 143.48, 16777217 and 9999999999999.99; PATCH null; delete; a 422 read with its types.
"""

from collections.abc import Iterator

import pytest

from tests.clients.tools import run
from tests.generators.tools import (
    PATIENCE,
    PROGRAMS,
    ROOT,
    environment,
    generator_jar,
    needs,
    needs_packages,
    only,
    openapi_generator,
    typescript,
    workplace,
)
from tests.live_server import Demo, serve_demo

slow = only(["openapi-fetch", "hey-api"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with serve_demo(tmp_path_factory.mktemp("generators")) as running:
        yield running


def test_openapi_fetch(demo: Demo) -> None:
    """openapi-typescript and openapi-fetch, of 3.1 as it is served; tags and deleted records are read as well."""
    needs_packages()
    folder = workplace("openapi-fetch")
    run([PROGRAMS / "openapi-typescript", f"{demo.url}/api/openapi.json", "-o", "generated/schema.d.ts"], folder)
    typescript(folder, demo)


def test_hey_api(demo: Demo) -> None:
    """@hey-api/openapi-ts with its client on `fetch`, of 3.1."""
    needs_packages()
    folder = workplace("hey-api")
    run([PROGRAMS / "openapi-ts", "-i", f"{demo.url}/api/openapi.json", "-o", "generated", "-c", "@hey-api/client-fetch"], folder)
    typescript(folder, demo)


@slow
def test_orval(demo: Demo) -> None:
    """Orval with functions on `fetch`, of 3.1."""
    needs_packages()
    folder = workplace("orval")
    source = ROOT / "tests" / "contracts" / "openapi.json"
    run([PROGRAMS / "orval", "--input", source, "--output", "generated/client.ts", "--client", "fetch"], folder)
    typescript(folder, demo)


@slow
def test_typescript_axios(demo: Demo) -> None:
    """OpenAPI Generator's `typescript-axios`."""
    needs_packages()
    folder = workplace("typescript-axios")
    openapi_generator("typescript-axios", folder)
    typescript(folder, demo)


@slow
def test_python(demo: Demo) -> None:
    """OpenAPI Generator's `python`: models by pydantic, which refuse what isn't as described."""
    folder = workplace("python")
    openapi_generator("python", folder)
    run([environment() / "python", "program.py", demo.url, demo.token], folder, PYTHONPATH=str(folder / "generated"))


@slow
def test_openapi_python_client(demo: Demo) -> None:
    """openapi-python-client: models by attrs, of 3.1."""
    folder = workplace("openapi-python-client")
    source = ROOT / "tests" / "contracts" / "openapi.json"
    programs = environment()
    # It formats what it wrote with the ruff that stands beside it.
    path = f"{programs}:{needs('env').rpartition('/')[0]}"
    make = [programs / "openapi-python-client", "generate", "--path", source, "--meta", "none", "--output-path", "generated"]
    run([*make, "--fail-on-warning"], folder, PATH=path)
    run([programs / "python", "program.py", demo.url, demo.token], folder)


@slow
def test_go(demo: Demo) -> None:
    """OpenAPI Generator's `go`, whose numbers without a format have 32 bits."""
    go = needs("go", "version")
    folder = workplace("go")
    openapi_generator("go", folder, "--additional-properties=withGoMod=false")
    client = folder / "generated"
    for rest in ("test", "docs"):
        run(["rm", "-rf", client / rest], folder)
    (client / "go.mod").write_text("module gateway.test/client\n\ngo 1.18\n", "utf-8")
    wants = "require gateway.test/client v0.0.0\n\nreplace gateway.test/client => ./generated\n"
    (folder / "go.mod").write_text(f"module gateway.test/program\n\ngo 1.18\n\n{wants}", "utf-8")
    run([go, "build", "-o", "program", "."], folder, patience=PATIENCE, GOFLAGS="-mod=mod", GOPROXY="off")
    run(["./program", demo.url, demo.token], folder)


@slow
def test_java(demo: Demo) -> None:
    """OpenAPI Generator's `java` on the HttpClient that Java brings along; Jackson is taken from the generator."""
    javac, java = needs("javac"), needs("java")
    folder = workplace("java")
    options = "--additional-properties=openApiNullable=false,useJakartaEe=false"
    openapi_generator("java", folder, "--library=native", options)
    jar = generator_jar()
    written = [path for path in folder.rglob("*.java") if "test" not in path.relative_to(folder).parts]
    run([javac, "-nowarn", "-cp", jar, "-d", "classes", *written], folder, patience=PATIENCE)
    run([java, "-cp", f"classes:{jar}", "RoundTrip", demo.url, demo.token], folder)


@slow
def test_php(demo: Demo) -> None:
    """OpenAPI Generator's `php` on Guzzle, which is PHP's own package (php-guzzlehttp-guzzle) or Composer's."""
    php = needs("php", "-r", "exit(extension_loaded('curl') ? 0 : 1);", of="php with curl")
    folder = workplace("php")
    openapi_generator("php", folder)
    run([php, "program.php", demo.url, demo.token], folder)
