"""What is generated from the declarations and checked in: `python -m tests.contracts.generated` writes it anew, after a change is meant."""

from pathlib import Path
from typing import Any

import orjson
from pydantic.fields import FieldInfo

from gateway.app import create_app
from gateway.cli.flags import default_of
from gateway.environment import PREFIX
from gateway.rest.adapter import RestGraph
from gateway.settings import Settings
from rest_compat import RESOURCES, Translator, openapi, openapi_3_0
from rest_compat.tools.parity import parity

ROOT = Path(__file__).parents[2]
OPENAPI = Path(__file__).with_name("openapi.json")
OPENAPI_3_0 = Path(__file__).with_name("openapi-3.0.json")
PARITY = ROOT / "rest_compat" / "PARITY.md"
SETTINGS = ROOT / "docs" / "settings.md"

_HEAD = """# What is what in REST and in GraphQL

Generated from the declarations (`python -m tests.contracts.generated`); a test compares it, and finds what has no partner.
What a call becomes is shown by `/api/_graphql` and `gateway translate`.

"""


_SETTINGS = f"""# Settings

Each is read from the environment; a flag of the same name (`--port` for `{PREFIX}PORT`) overrides it. Generated from
`gateway/settings.py` (`python -m tests.contracts.generated`).

| setting | default | meaning |
|---|---|---|
"""


def translator() -> Translator:
    """As it serves by default, over a database that is never opened."""
    app = create_app(Settings(database_url="sqlite:///never.db"))
    return Translator(RestGraph(app.operations, app.uses, app.settings), RESOURCES)


def generated() -> dict[Path, str]:
    """Each file with what should be in it."""
    known = translator()
    described = openapi(known)
    return {OPENAPI: _text(described), OPENAPI_3_0: _text(openapi_3_0(described)), PARITY: _HEAD + parity(known), SETTINGS: settings_page()}


def settings_page() -> str:
    """Every setting with its default and what it means."""
    return _SETTINGS + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{PREFIX}{name.upper()}` | {_code(default_of(field))} | {field.description} |\n"


def _code(default: str) -> str:
    return f"`{default}`" if default else ""


def _text(document: dict[str, Any]) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
