"""A client's recorded traffic as GraphQL: read from HAR files and access logs, sorted by what is asked, written as a folder, compared."""

from .comparison import differences, recorded_differences
from .folder import write_folder
from .grouping import CallGroup, Recording, RefusedCalls, RepeatedRead, sort_calls
from .parsing import REPEATABLE, RecordedCall, RecordingError, read_recording, target_of

__all__ = [
    "REPEATABLE",
    "CallGroup",
    "RecordedCall",
    "Recording",
    "RecordingError",
    "RefusedCalls",
    "RepeatedRead",
    "differences",
    "read_recording",
    "recorded_differences",
    "sort_calls",
    "target_of",
    "write_folder",
]
