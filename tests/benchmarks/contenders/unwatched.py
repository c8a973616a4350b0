"""The gateway without its counting of who still uses REST, which no setting switches off: to see what the counting costs."""

from gateway.cli.main import main
from gateway.observability.rest_usage import Uses

if __name__ == "__main__":
    Uses.note = lambda *_: None  # type: ignore[method-assign]
    main()
