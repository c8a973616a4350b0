"""The gateway without its counting of who still uses REST, which no setting switches off: to see what the counting costs."""

from gateway.cli.main import main
from gateway.observability.rest_usage import RestUses

if __name__ == "__main__":
    RestUses.note = lambda *_: None  # type: ignore[method-assign]
    main()
