"""The migration status of a database, of either kind."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.extension_packages import packages_in
from gateway.migrations import heads, knows, migration_status_of, names_taken
from gateway.settings import Settings

from .report import DoctorReport


def report_revisions(settings: Settings, report: DoctorReport, revisions: Sequence[str], tables: Sequence[str], *, by_itself: bool) -> None:
    """Tells whether these are the newest revisions, of a database with these tables; `by_itself` whether serving migrates.

    Raises SettingsError.
    """
    packages = packages_in(settings)
    found, newest = migration_status_of(revisions, packages), ", ".join(heads(packages).values())
    place = f"at {', '.join(revisions) or 'none'} and not at {newest}"
    if not found.behind:
        report.ok("migrations", f"at the newest revision, {newest}")
    elif revisions and not any(knows(each, packages) for each in revisions):
        report.fault("migrations", f"{place}: it is of a newer gateway: install that")
    elif taken := names_taken(tables):
        report.fault("migrations", f"{taken}: name an empty database by --database-url")
    elif by_itself:
        report.warn("migrations", f"{place}: gateway serve migrates it, as does gateway migrate")
    else:
        report.fault("migrations", f"{place}: gateway migrate")
    if found.unloaded:
        report.warn("extensions", str(replace(found, behind=())))
