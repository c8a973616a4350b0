"""What happens again and again fills no log."""

from schema.seldom import SECONDS, Seldom


def test_once_and_then_now_and_then() -> None:
    """The first is written at once, the next after half a minute, with how many were left out; then the count begins anew."""
    now = [0.0]
    lines: list[str] = []
    tell = Seldom(lines.append, lambda: now[0])
    for second in range(2 * int(SECONDS) + 1):
        now[0] = float(second)
        for _ in range(10):
            tell("away: %(error)s", error=f"{second} %s")
    more = " (and {} times more since this was last written)"
    assert lines == ["away: 0 %s", f"away: 30 %s{more.format(299)}", f"away: 60 %s{more.format(299)}"]
