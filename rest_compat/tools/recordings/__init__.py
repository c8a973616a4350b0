"""A client's recorded traffic as GraphQL: read from HAR files and access logs, sorted by what is asked, written as a folder, compared."""

from .comparing import differences, recorded_differences
from .folder import write_folder
from .reading import REPEATABLE, RecordedCall, RecordingError, read_recording, target_of
from .sorting import CallGroup, Recording, RefusedCalls, RepeatedRead, sort_calls

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
