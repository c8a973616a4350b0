"""No log holds a token: what the suite's servers wrote is looked through when they end."""

import re

#: API keys and JWTs, as they are made for tests too.
TOKENS = re.compile(r"pk_live_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")


def check_log(log: str | bytes) -> None:
    """Fails the test whose server wrote a token into its log."""
    text = log.decode("utf-8", "replace") if isinstance(log, bytes) else log
    found = TOKENS.search(text)
    assert found is None, f"a log holds a token: …{text[max(0, found.start() - 200) : found.start()]}" if found else ""
