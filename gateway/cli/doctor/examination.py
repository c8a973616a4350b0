"""All checks, one after the other, each with a deadline."""

import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

from gateway.settings import Settings
from schema.storage.database import sqlite_path

from . import postgresql, process, sqlite
from .report import DoctorReport, Finding, Severity

RunCheck: TypeAlias = Callable[[Settings, DoctorReport], None]

#: For one check, whatever it waits for: a silent server, a disk that hangs.
CHECK_SECONDS = 15.0

__all__ = ["CHECK_SECONDS", "Finding", "Severity", "examine"]


def examine(settings: Settings) -> Iterator[Finding]:
    """The findings, in order. No check takes longer than CHECK_SECONDS."""
    database = postgresql.check if sqlite_path(settings.database_url) is None else sqlite.check
    for name, check in {**process.CHECKS, "database": database}.items():
        yield from _within(CHECK_SECONDS, name, check, settings)


def _within(seconds: float, name: str, check: RunCheck, settings: Settings) -> list[Finding]:
    report = DoctorReport()
    # A thread that doesn't come back isn't waited for when the process ends.
    thread = threading.Thread(target=_guarded, args=(name, check, settings, report), daemon=True)
    thread.start()
    thread.join(seconds)
    found = [*report.findings]
    if thread.is_alive():
        found.append(Finding(Severity.FAULT, name, f"no answer within {seconds:g} s: look at what it waits for, and try again"))
    return found


def _guarded(name: str, check: RunCheck, settings: Settings, report: DoctorReport) -> None:
    try:
        check(settings, report)
    except Exception as error:  # noqa: BLE001  whatever hinders a check is what the doctor is asked for
        report.fault(name, f"{error or type(error).__name__}")
