"""README.md of a recording's folder: what was seen, what is covered, what isn't and why, and how to go on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from .grouping import TO_FILL, CallGroup, Recording
from .parsing import target_of

VARIABLES: Final = "Variables:"
MOST_NAMED: Final = 20

_USE: Final = """## What is here

| file | for |
|---|---|
| `operations/*.graphql` | one GraphQL operation for each sort of call; above it, in comments, what was seen of its variables |
| `index.json` | the same as this page, for programs |
| `codegen.mjs`, `schema.graphql` | `npx graphql-codegen --config codegen.mjs` writes typed documents into `generated/` |
| `persisted-query-manifest.json` | trusted documents, as Apollo's tools read and write them |
| `trusted-documents.json` | the same as `{id: document}`; the gateway takes either (`GATEWAY_TRUSTED_DOCUMENTS`) |

The values seen are from the recording: they may be somebody's data.
"""


def readme(recording: Recording) -> str:
    """The whole page, in Markdown."""
    parts = [_head(recording), _operations(recording), _refused(recording), _ignored(recording), _elsewhere(recording), _USE]
    return "\n".join(part for part in parts if part)


def variables_to_fill(sort: CallGroup) -> Iterator[tuple[str, str]]:
    """The variables that each call must fill in again, and with what."""
    return ((name, TO_FILL[name]) for name in sort.to_fill)


def _head(recording: Recording) -> str:
    where = " of ".join(filter(None, (recording.prefix, recording.host)))
    of_them = f"{recording.covered} of {recording.calls} calls to this API ({recording.share} %)"
    return f"""# REST calls as GraphQL operations

{of_them} are covered by the {len(recording.sorts)} operations below.{f" They were recorded at {where}." if where else ""}
"""


def _operations(recording: Recording) -> str:
    rows = [
        (
            f"[{sort.name}](operations/{sort.name}.graphql)",
            str(sort.times),
            f"{100 * sort.times / recording.calls:.1f} %",
            _code(f"{sort.request.method} {target_of(sort.request)}"),
            ", ".join(map(_code, (name for name in sort.varying if name not in sort.to_fill))),
            ", ".join(map(_code, sort.to_fill)),
        )
        for sort in sorted(recording.sorts, key=lambda sort: -sort.times)
    ]
    return _table("## Operations", ("operation", "calls", "share", "such as", "varies", "to fill"), rows)


def _refused(recording: Recording) -> str:
    rows = [(str(one.times), _code(f"{one.method} {one.target}"), _plain(one.reason)) for one in recording.refused]
    return _table("## Not covered, and why", ("calls", "such as", "why"), rows)


def _ignored(recording: Recording) -> str:
    counts = sum((sort.ignored for sort in recording.sorts), Counter[str]())
    rows = [(_code(name), str(times)) for name, times in counts.most_common(MOST_NAMED)]
    explanation = "Names that the gateway doesn't know: the answers are as if they had not been sent."
    return _table(f"## Ignored parameters and keys\n\n{explanation}", ("name", "calls"), rows)


def _elsewhere(recording: Recording) -> str:
    rows = [(_code(path), str(times)) for path, times in recording.elsewhere.most_common(MOST_NAMED)]
    rows += [(_plain(f"other host: {host}"), str(times)) for host, times in recording.hosts.most_common(MOST_NAMED)]
    return _table("## Left out, since it is not this API", ("path", "calls"), rows)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return f"{title}\n\n" + "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{_plain(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    """Text that doesn't end its cell."""
    return one_line(text).replace("|", "\\|")


def one_line(text: str) -> str:
    """Text without what would end a line, and a comment with it."""
    return "".join(character if character.isprintable() else " " for character in text)
