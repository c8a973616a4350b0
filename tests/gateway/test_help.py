"""`gateway --help`, and what the command line imports before it knows which command is meant."""

import subprocess
import sys

HEAVY = {"alembic", "asyncpg", "jwt", "opentelemetry", "sqlalchemy", "starlette", "strawberry", "structlog", "uvicorn"}
PROGRAM = f"""
import sys
from gateway.cli.main import main
sys.argv[1:] = ["--help"]
try:
    main()
finally:
    sys.stderr.write(" ".join({HEAVY} & sys.modules.keys()))
"""


def test_help_waits_for_no_part_of_a_command() -> None:
    """To print help takes neither the database's libraries nor the schema's nor a server's: a command imports what it needs by itself."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert "Commands" in ran.stdout, ran.stderr
    assert ran.stderr == ""
