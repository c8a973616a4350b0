"""Operations sent by id: automatic persisted queries (a hash of the text) and registered, trusted documents."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from sys import getsizeof
from typing import Final, Literal

from gateway.edge.decoder import StrictJsonError, decode
from rest_compat.errors import AccessDenied, MalformedRequest
from rest_compat.json_values import Json
from schema.engine.cache import SizedCache
from schema.engine.document.documents import RequestError

from .parameters import Parameters

#: About how many bytes the texts of automatic persisted queries take.
KEPT_BYTES: Final = 8_000_000
#: Bytes that a hash takes, and the place that is kept for it.
_PLACE: Final = 300

#: What GraphQL over HTTP ("Persisted documents") writes before a hash that is an id.
PREFIX: Final = "sha256:"

PersistedMode = Literal["off", "allow", "only"]


class NotPersisted(RequestError):
    """No document is known by the hash: the client sends it again with the text. The message is what Apollo's and urql's links look for."""

    CODE: Final = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self, code: str = CODE, message: str = "PersistedQueryNotFound") -> None:
        super().__init__([{"message": message, "extensions": {"code": code}}], code)


class NotSupported(NotPersisted):
    """Automatic persisted queries are off: the client sends texts from now on, and not each of them twice."""

    def __init__(self) -> None:
        super().__init__("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


class PersistedDocuments:
    """Finds the text of what was sent by id; keeps the texts of automatic persisted queries, the latest used `size` of them."""

    def __init__(self, trusted: Mapping[str, str] | None = None, mode: PersistedMode = "off", size: int = 1000) -> None:
        self._trusted = dict(trusted or {}) if mode != "off" else {}
        self._texts = frozenset(self._trusted.values())
        # By their hashes too, whatever their ids: so automatic persisted queries find them.
        self._trusted = {_hash(text): text for text in self._texts} | self._trusted
        self._only = mode == "only"
        self._size = 0 if self._only else size
        self._kept: SizedCache[str] = SizedCache(self._size, KEPT_BYTES)

    def find(self, parameters: Parameters) -> str:
        """The document's text. Raises MalformedRequest, AccessDenied (mode `only`), NotPersisted, NotSupported."""
        digest = self._digest(parameters)
        if digest is None:
            return self._plain(parameters.query)
        if parameters.query is not None and digest == parameters.document_id:
            raise MalformedRequest("Send 'query' or 'documentId', not both.")
        if parameters.query is None:
            if not self._size and not self._trusted and parameters.document_id is None:
                raise NotSupported
            return self._known(digest)
        if _hash(parameters.query) != digest:
            raise MalformedRequest("The provided sha256Hash does not match the query.")
        return self._plain(parameters.query)

    def keep(self, parameters: Parameters, text: str) -> None:
        """Remember a valid document that came with its hash."""
        if parameters.extensions and parameters.query is not None and self._size and (digest := self._digest(parameters)):
            self._kept.put(digest, text, _PLACE + getsizeof(text))

    def _plain(self, query: str | None) -> str:
        if not query:
            raise MalformedRequest("A request needs 'query', the text of a GraphQL document.")
        if self._only and query not in self._texts:
            raise AccessDenied("Only registered operations are run here: send the 'documentId' of one.")
        return query

    def _known(self, digest: str) -> str:
        bare = digest.removeprefix(PREFIX)
        for name in (digest, bare, PREFIX + bare):
            if (text := self._trusted.get(name)) is not None:
                return text
        if (text := self._kept.get(bare)) is None:
            raise NotPersisted
        return text

    @staticmethod
    def _digest(parameters: Parameters) -> str | None:
        if parameters.document_id is not None:
            return parameters.document_id
        persisted = (parameters.extensions or {}).get("persistedQuery")
        if persisted is None:
            return None
        digest = persisted.get("sha256Hash") if isinstance(persisted, dict) and persisted.get("version") == 1 else None
        if not isinstance(digest, str):
            raise MalformedRequest("'extensions.persistedQuery' must have 'version' 1 and a string 'sha256Hash'.")
        return digest.lower()


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _has_id(entry: Json) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str)


def read_trusted(path: Path) -> dict[str, str]:
    """The registered documents in a JSON file: `{id: document}`, or Apollo's `{"operations": [{"id", "body"}]}`. Raises ValueError."""
    try:
        manifest = decode(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except StrictJsonError as error:
        raise ValueError(f"{path}: {error.message}") from None
    if isinstance(manifest, dict) and isinstance(manifest.get("operations"), list):
        manifest = {entry.get("id"): entry.get("body") for entry in manifest["operations"] if _has_id(entry)} or None
    if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
        raise ValueError(f"{path}: a JSON object of ids and documents is expected")
    return manifest
