"""The findings of the doctor."""

from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """The result of a check: with a `warning` the gateway works, but probably not as intended; with a `fault` it does not serve."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what to do."""

    level: Severity
    check: str
    says: str


@dataclass
class DoctorReport:
    """Findings, as they are made."""

    findings: list[Finding] = field(default_factory=list)

    def ok(self, check: str, says: str) -> None:
        """It is well."""
        self.findings.append(Finding(Severity.OK, check, says))

    def warn(self, check: str, says: str) -> None:
        """Report a warning: it works, but probably not as intended."""
        self.findings.append(Finding(Severity.WARNING, check, says))

    def fault(self, check: str, says: str) -> None:
        """The gateway doesn't serve like this."""
        self.findings.append(Finding(Severity.FAULT, check, says))

    def judge(self, check: str, *, good: bool, well: str, ill: str) -> None:
        """Report success, or a warning."""
        (self.ok if good else self.warn)(check, well if good else ill)
