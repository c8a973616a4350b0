"""docs/frontends.md: its documents are good, and its codes are all that a client of the graph can meet."""

import re

import pytest
from graphql import build_schema, parse, validate

from gateway.live import messages
from rest_compat.errors import STATUS
from schema.rules.money import show_money
from tests.live_server import ROOT

PAGE = (ROOT / "docs" / "frontends.md").read_text("utf-8")
SDL = (ROOT / "tests" / "contracts" / "schema.graphql").read_text("utf-8")
OF_HTTP = {"METHOD_NOT_ALLOWED", "NOT_ACCEPTABLE", "REQUEST_TIMEOUT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "HEADERS_TOO_LARGE"}
OF_REST = {"PRECONDITION_REQUIRED"}


@pytest.mark.parametrize("document", re.findall(r"```graphql\n(.*?)```", PAGE, re.DOTALL))
def test_documents(document: str) -> None:
    """Whoever pastes one into the explorer can run it."""
    assert validate(build_schema(SDL), parse(document)) == []


def test_codes() -> None:
    """Each code of the graph has its line, and each line a code."""
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE)) == STATUS.keys() - OF_HTTP - OF_REST


def test_closings() -> None:
    """Each code that the gateway closes a socket with is explained."""
    explained = {int(code) for line in re.findall(r"^\| ([0-9, ]+) \|", PAGE, re.MULTILINE) for code in line.split(",")}
    there = {each.code for each in vars(messages).values() if isinstance(each, type) and issubclass(each, messages.SocketClosed)}
    assert explained == (there - {None}) | {1008}


def test_amounts() -> None:
    """An amount is shown as the graph writes it, so that clients don't take a number for a text."""
    assert f"Money is a JSON number (`{show_money(120_050)}`)" in PAGE
