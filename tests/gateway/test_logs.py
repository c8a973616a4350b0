"""Whoever writes a log line, it comes in the one form: a JSON line each, tracebacks within it, and nothing of what variables held."""

import json
import os
import subprocess
import sys

import pytest

from tests.live_server import ROOT

#: Each way in which a library, or Python itself, may tell of something; `SECRET` stands for a token in a variable.
WAYS = {
    "asyncpg": "logging.getLogger('asyncpg').error('lost', exc_info=defect())",
    "a library that nobody knows": "logging.getLogger('some.library').warning('careful')",
    "one with a handler of its own": "logging.getLogger('own').error('lost')",
    "uvicorn": "logging.getLogger('uvicorn.error').info('Started')",
    "the event loop": "loop.call_exception_handler({'message': 'lost', 'exception': defect()})",
    "a task that nobody awaits": "loop.create_task(fail()); loop.run_until_complete(asyncio.sleep(0.01)); gc.collect()",
    "a warning": "warnings.warn('old', DeprecationWarning)",
    "a thread": "thread = threading.Thread(target=defect, args=[True]); thread.start(); thread.join()",
    "a finaliser": "Broken(); gc.collect()",
    "structlog": "structlog.get_logger().error('defect', exc_info=defect())",
    "a value that is no text": "structlog.get_logger().warning('odd', value=chr(0xD800), number=2**70)",
}
PROGRAM = """
import asyncio, gc, logging, os, sys, threading, warnings
import structlog
logging.getLogger("own").addHandler(logging.StreamHandler())
from gateway.observability import logs
from gateway.settings import Settings

def defect(raising=False):
    secret = os.environ["SECRET"]
    try:
        raise RuntimeError("wrong")
    except RuntimeError as error:
        if raising:
            raise
        return error

async def fail():
    defect(True)

class Broken:
    def __del__(self):
        defect(True)

warnings.simplefilter("always")
logs.configure(Settings(log_format=sys.argv[1]))
loop = asyncio.new_event_loop()
"""
SECRET = "pk_live_" + "s" * 43


@pytest.fixture(scope="module", params=["json", "console"])
def written(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A form, and what a process that tells in all these ways writes on standard error."""
    environment = {"PYTHONPATH": str(ROOT), "SECRET": SECRET}
    program = "\n".join([PROGRAM, *WAYS.values(), "loop.close()"])
    done = subprocess.run([sys.executable, "-c", program, request.param], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return request.param, done.stderr


def test_a_line_each(written: tuple[str, str]) -> None:
    """As JSON: one line each, with what, when and how bad, and the traceback in it."""
    form, text = written
    if form == "console":
        assert text.count("RuntimeError: wrong") == sum(map(has_traceback, WAYS.values()))
        return
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == len(WAYS)
    for way, line in zip(WAYS.values(), lines, strict=True):
        assert {"event", "level", "timestamp"} <= set(line)
        assert has_traceback(way) is ("RuntimeError: wrong" in line.get("exception", "")), line


def has_traceback(way: str) -> bool:
    return any(name in way for name in ("defect", "fail", "Broken"))


def test_nothing_of_what_variables_held(written: tuple[str, str]) -> None:
    """A token that a function of a traceback held is not told."""
    _, text = written
    assert "secret = os.environ" not in text
    assert "s" * 20 not in text


def test_variables_in_a_program_of_ones_own() -> None:
    """Where `create_app` is called by a program that leaves structlog as it is, tracebacks hold no tokens, either."""
    serving = "from gateway.app import create_app; create_app(Settings(database_url='sqlite:///x.db'))"
    program = f"{PROGRAM.replace('logs.configure(Settings(log_format=sys.argv[1]))', serving)}\n{WAYS['structlog']}; loop.close()"
    environment = {"PYTHONPATH": str(ROOT), "SECRET": SECRET}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    told = done.stdout + done.stderr
    assert "RuntimeError: wrong" in told
    assert SECRET not in told


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_is_told_begins_no_line(form: str) -> None:
    """Text that a client or a library brings along can't look like a line of the log, nor colour a terminal."""
    program = PROGRAM + "structlog.get_logger().warning('odd\\nforged', path='a\\x1b[31m\\nforged'); loop.close()"
    environment = {"PYTHONPATH": str(ROOT), "SECRET": SECRET}
    done = subprocess.run([sys.executable, "-c", program, form], env=environment, capture_output=True, text=True, check=True)
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b[31m" not in done.stderr


def test_on_a_terminal_the_log_is_for_people() -> None:
    """By itself it is JSON for programs, and words where standard error is a terminal."""
    program = (
        "import structlog; from gateway.observability import logs; from gateway.settings import Settings; "
        "logs.configure(Settings()); structlog.get_logger().info('hello')"
    )
    command, environment = [sys.executable, "-c", program], {"PYTHONPATH": str(ROOT)}
    piped = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    assert json.loads(piped)["event"] == "hello"
    ours, theirs = os.openpty()
    try:
        subprocess.run(command, env=environment, stderr=theirs, check=True)
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "hello" in shown
    assert "{" not in shown
