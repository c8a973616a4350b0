"""Slow statements in the log, with whose they are."""

from typing import Final

import structlog
from prometheus_client import Counter

from schema.storage.statements import Statement
from schema.storage.timing import FAILED

from .current_request import OPERATION, REQUEST_ID
from .log_lines import clean, short

#: Characters of a statement that are logged.
LONGEST_STATEMENT: Final = 2_000


class SlowStatements:
    """Reports slow statements: each is counted, and logged with its text, without values."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._log = structlog.get_logger()

    def __call__(self, statement: Statement, seconds: float, rows: int) -> None:
        self._counter.inc()
        operation, request_id = OPERATION.get(), REQUEST_ID.get()
        self._log.warning(
            "slow statement",
            ms=round(seconds * 1000, 3),
            rows=None if rows == FAILED else rows,
            failed=rows == FAILED,
            plan=operation and operation.name and short(operation.name),
            request_id=request_id and clean(request_id.decode()),
            statement=statement.text[:LONGEST_STATEMENT],
        )
