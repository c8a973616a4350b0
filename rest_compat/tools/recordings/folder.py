"""A recording's folder, for whoever writes the new client: operations, an index, manifests of trusted documents, a codegen setup."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson

from rest_compat.json_values import Json, JsonObject

from .grouping import CallGroup, Recording, RefusedCalls
from .parsing import target_of
from .readme import VARIABLES, one_line, readme, variables_to_fill

OPERATIONS: Final = "operations"
INDEX: Final = "index.json"
_TEXT: Final = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE

_CODEGEN: Final = """// `npx graphql-codegen --config codegen.mjs` writes typed documents for any client; needed are the npm packages
// @graphql-codegen/cli, @graphql-codegen/client-preset and graphql.
export default {
  schema: 'schema.graphql',
  documents: 'operations/*.graphql',
  generates: {
    'generated/': { preset: 'client', config: { scalars: { Date: 'string', DateTime: 'string', Money: 'number' }, useTypeImports: true } },
  },
};
"""


def write_folder(folder: Path, recording: Recording, sdl: str) -> list[Path]:
    """Write it all, in place of what another recording has left there. Raises OSError."""
    (folder / OPERATIONS).mkdir(parents=True, exist_ok=True)
    for stale in (folder / OPERATIONS).glob("*.graphql"):
        stale.unlink()
    texts = {f"{OPERATIONS}/{sort.name}.graphql": _operation(sort) for sort in recording.sorts}
    texts |= {
        "README.md": readme(recording),
        INDEX: _json(_index(recording)),
        "persisted-query-manifest.json": _json(_apollo(recording)),
        "trusted-documents.json": _json({document_id(sort): sort.document for sort in recording.sorts}),
        "schema.graphql": sdl,
        "codegen.mjs": _CODEGEN,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in texts]


def document_id(sort: CallGroup) -> str:
    """The id under which clients send the document: the SHA-256 of its text, as Apollo's tools make it."""
    return sha256(sort.document.encode()).hexdigest()


def _json(value: Mapping[str, Json]) -> str:
    return orjson.dumps(value, option=_TEXT).decode()


def _operation(sort: CallGroup) -> str:
    """The document, with what is known of its calls in comments above."""
    lines = [
        f"{sort.times} {'call' if sort.times == 1 else 'calls'}, such as: {sort.request.method} {target_of(sort.request)}",
        f"{VARIABLES} {orjson.dumps(sort.example).decode()}",
        *(f"${name} is to be filled: {text}." for name, text in variables_to_fill(sort)),
        *(_values(name, sort) for name in sort.values if name not in sort.to_fill),
        *([f"Ignored by the gateway: {', '.join(sort.ignored)}."] if sort.ignored else []),
    ]
    return "".join(f"# {one_line(line)}\n" for line in lines) + sort.document


def _values(name: str, sort: CallGroup) -> str:
    seen = ", ".join(f"{value} (× {times})" for value, times in sort.values[name].most_common())
    return f"{name} {'varies' if name in sort.varying else 'is always the same'}: {seen}"


def _apollo(recording: Recording) -> JsonObject:
    """Apollo's persisted-query-manifest."""
    operations = [
        {"id": document_id(sort), "name": sort.name, "type": sort.call.endpoint.document.operation.operation.value, "body": sort.document}
        for sort in recording.sorts
    ]
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}


def _index(recording: Recording) -> JsonObject:
    """The same as README.md says, for programs."""
    return {
        "host": recording.host,
        "prefix": recording.prefix,
        "calls": recording.calls,
        "covered": recording.covered,
        "sharePercent": recording.share,
        "operations": [_indexed(sort) for sort in recording.sorts],
        "notCovered": [_refused(one) for one in recording.refused],
        "otherPaths": dict(recording.elsewhere.most_common()),
        "otherHosts": dict(recording.hosts.most_common()),
    }


def _refused(one: RefusedCalls) -> JsonObject:
    return {"calls": one.times, "example": {"method": one.method, "target": one.target}, "reason": one.reason}


def _indexed(sort: CallGroup) -> JsonObject:
    return {
        "name": sort.name,
        "file": f"{OPERATIONS}/{sort.name}.graphql",
        "id": document_id(sort),
        "calls": sort.times,
        "example": {"method": sort.request.method, "target": target_of(sort.request), "variables": sort.example},
        "varying": [name for name in sort.varying if name not in sort.to_fill],
        "toFill": sort.to_fill,
        "values": {name: dict(seen.most_common()) for name, seen in sort.values.items() if name not in sort.to_fill},
        "ignored": dict(sort.ignored),
    }
