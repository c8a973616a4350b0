"""The request whose work is being done, for logs and traces of statements.

Both are small and stay valid after their request, since tasks and connections that begin within it keep its context.
"""

from contextvars import ContextVar
from typing import Final

from schema.engine.document.documents import PreparedOperation

#: The id of the request, or of the socket.
REQUEST_ID: Final[ContextVar[bytes | None]] = ContextVar("request_id", default=None)
#: The operation that runs.
OPERATION: Final[ContextVar[PreparedOperation | None]] = ContextVar("operation", default=None)
