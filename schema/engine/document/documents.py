"""Documents: parsed, validated and measured once, then found by their text; their plans are kept with them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLSyntaxError,
    Location,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    Source,
    Token,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    print_ast,
    specified_rules,
    type_from_ast,
    validate,
)
from graphql.language.parser import Parser
from graphql.validation.rules import overlapping_fields_can_be_merged
from typing_extensions import override

from schema.engine.cache import SizedCache
from schema.engine.libraries.graphql_core import drop_tracebacks, get_variable_values
from schema.rules.access import Caller, Role
from schema.rules.errors import BadRequest
from schema.rules.text import shown
from schema.values import CacheKey, Object, Value

from .filter_size import check_size
from .input_faults import PlainValues, faults, path_text
from .limits import Limits, too_much
from .selections import deciding_variables
from .variables import Coercions, TooManyItems, Variable, Variables, coerce_plainly, writable

MAX_PLANS = 32
"""The most plans of an operation: n booleans in @skip and @include make 2^n of them."""
PLANS_BYTES = 4_000_000
"""About how many bytes they take."""
DOCUMENTS_BYTES = 24_000_000
"""About how many bytes all documents take with their plans."""
_DOCUMENT, _DOCUMENT_CHARACTER = 20_000, 130
_PLAN, _PLAN_CHARACTER = 8_000, 110
"""Bytes that a document and a plan take, and more for each character of the document, as measured."""

KEPT_VARIABLES, VARIABLES_BYTES = 1_024, 8_000_000
LONGEST_KEPT = 1_000
"""Longer JSON of variables, in bytes, is not kept."""
_VARIABLES, _VARIABLES_BYTE, _LITERAL_BYTE = 3_000, 100, 12
"""Bytes that coerced variables take with what plans read out of them, and more for each byte of their JSON and of the document."""

_SUGGESTION = re.compile(r" Did you mean .*", re.DOTALL)
_ABORTED = "Validation aborted."
"""All that graphql-core says of a document whose fields and fragments take too long to compare."""
_TOO_LONG_TO_COMPARE = "The document names the same fields or fragments too many times to be checked: name each of them once."
LONGEST_MESSAGE = 400
"""Characters of an error's message; graphql-core repeats names and values however long they are."""


class RequestError(Exception):
    """The request can't be executed: malformed, invalid, or too large. `errors` are response errors, `code` is the code of all of them."""

    def __init__(self, errors: list[Object], code: str = "BAD_REQUEST") -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors
        self.code = code


def request_error(*messages: str, code: str = "BAD_REQUEST") -> RequestError:
    """A RequestError with these messages."""
    return RequestError([{"message": message, "extensions": {"code": code}} for message in messages], code)


def _request_error(errors: list[GraphQLError], limits: Limits) -> RequestError:
    formatted: list[Value] = [dict(error.formatted) for error in errors[: limits.max_errors]]
    for error in formatted:
        if error["message"] == _ABORTED:
            error["message"] = _TOO_LONG_TO_COMPARE
        if not limits.introspection:
            # A guess must not show what the schema has, either.
            error["message"] = _SUGGESTION.sub("", error["message"])
        if len(error["message"]) > LONGEST_MESSAGE:
            error["message"] = f"{error['message'][: LONGEST_MESSAGE - 1]}…"
        error["extensions"] = {**error.get("extensions", {}), "code": "BAD_REQUEST"}
    return RequestError(formatted)


@dataclass(slots=True, eq=False)
class PreparedOperation:
    """One operation of a valid document, with the plans that were made for it."""

    text: str
    document: DocumentNode
    operation: OperationDefinitionNode
    deciding: tuple[str, ...]
    variables: tuple[Variable, ...]
    sized: tuple[str, ...]
    """The variables whose size is looked at before they are coerced."""
    plans: dict[CacheKey, Value] = field(default_factory=dict)
    """The plans, by the booleans that decide the shape, and by visibility."""
    mark: object = field(default_factory=object)
    """Identifies this object in caches that may outlive it."""
    kind: str = field(init=False)
    """`query`, `mutation` or `subscription`."""
    name: str | None = field(init=False)
    """The operation's name."""
    repeats: bool = field(init=False)
    """Whether it is likely to come again with the same variables: a query for no particular record."""

    def __post_init__(self) -> None:
        self.kind = self.operation.operation.value
        self.name = self.operation.name.value if self.operation.name else None
        types = [print_ast(node.type).rstrip("!") for node in self.operation.variable_definitions or ()]
        self.repeats = self.kind == "query" and "ID" not in types

    def plan_for(self, caller: Caller, values: Variables, *, for_fallback: bool = False) -> Value:
        """Return the cached plan for the caller's visibility and these variables; None if there is none."""
        visibility = (caller.account_id is not None, caller.role is Role.ADMIN, for_fallback)
        deciding = self.deciding
        return self.plans.get((*visibility, *[values.coerced.get(name) for name in deciding]) if deciding else visibility)


class _Place(Location):
    """The location of a node in the text, without its tokens, which would take more memory than the rest of a document."""

    __slots__ = ()

    def __init__(self, start: int, end: int, source: Source) -> None:  # the tokens of Location stay unset
        self.start, self.end, self.source = start, end, source


class _Parser(Parser):
    @override
    def loc(self, start_token: Token) -> Location:
        return _Place(start_token.start, self._lexer.last_token.end, self._lexer.source)


class DocumentCache:
    """The documents seen lately, bounded; what is invalid is not kept."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._coercions = Coercions(schema)
        self._limits = limits
        self._rules = RULES if limits.introspection else (*RULES, NoSchemaIntrospectionCustomRule)
        self._kept: SizedCache[PreparedOperation] = SizedCache(limits.documents, DOCUMENTS_BYTES)
        self._remembered: SizedCache[Variables] = SizedCache(KEPT_VARIABLES, VARIABLES_BYTES)

    def known(self, text: str, name: str | None = None) -> PreparedOperation | None:
        """The operation `name` of a document (None: its only one), if it is kept."""
        return self._kept.get((text, name))

    def prepare(self, text: str, name: str | None) -> PreparedOperation:
        """The same of any document. Raises RequestError."""
        found = self.known(text, name)
        if found is not None:
            return found
        prepared = self._prepare(text, name)
        self._keep(prepared, name)
        return prepared

    def keep_plan(self, prepared: PreparedOperation, key: CacheKey, plan: Any) -> None:
        """Keeps a plan of an operation with it; where they are too many, or too large, all of them make room."""
        size = _PLAN + _PLAN_CHARACTER * len(prepared.text)
        if len(prepared.plans) >= MAX_PLANS or (len(prepared.plans) + 1) * size > PLANS_BYTES:
            prepared.plans.clear()
        prepared.plans[key] = plan
        for name in (prepared.name, None):
            if self._kept.get((prepared.text, name)) is prepared:
                self._keep(prepared, name)

    def _keep(self, prepared: PreparedOperation, name: str | None) -> None:
        characters, plans = len(prepared.text), len(prepared.plans)
        size = _DOCUMENT + _DOCUMENT_CHARACTER * characters + plans * (_PLAN + _PLAN_CHARACTER * characters)
        self._kept.put((prepared.text, name), prepared, size)

    def coerce(self, prepared: PreparedOperation, given: Object) -> Variables:
        """The coerced variables (specification section 6.1.2). Raises RequestError.

        Lists are asked for again and again alike: then the variables come with all that their plan has made of them.
        """
        if prepared.repeats:
            try:
                text = orjson.dumps(given)
            except TypeError:  # what isn't JSON is graphql-core's to word
                return self._coerce(prepared, given)
            if len(text) <= LONGEST_KEPT:
                return self._remember(prepared, text, given)
        return self._coerce(prepared, given)

    def _remember(self, prepared: PreparedOperation, text: bytes, given: Object) -> Variables:
        key = prepared.mark, text
        values = self._remembered.get(key)
        if values is None:
            values = self._coerce(prepared, given)
            self._remembered.put(key, values, _VARIABLES + _VARIABLES_BYTE * len(text) + _LITERAL_BYTE * len(prepared.text))
        return values

    def _coerce(self, prepared: PreparedOperation, given: Object) -> Variables:
        """At once where they are plain, by graphql-core where not."""
        for name in prepared.sized:
            try:
                check_size(given.get(name))
            except BadRequest as error:
                raise request_error(f"Variable '${name}': {error}") from None
        try:
            values = coerce_plainly(prepared.variables, given)
            if values is None and not writable(given):
                raise request_error("A variable holds a NUL character or half a surrogate pair, which no text may have.")
        except TooManyItems as error:
            raise self._refusal(prepared, given, [GraphQLError(str(error))]) from None
        if values is None:
            result = get_variable_values(self._schema, prepared.operation.variable_definitions or (), given, max_errors=1)
            if isinstance(result, list):
                drop_tracebacks(result)
                raise self._refusal(prepared, given, result)
            values = Variables(*result)
        for name in prepared.deciding:
            # A default lets a nullable variable stand there (specification section 5.8.5); an explicit null is still no answer to "if".
            if values.coerced.get(name, True) is None:
                raise request_error(f"Variable '${name}' must not be null, since @skip or @include depends on it.")
        return values

    def _refusal(self, prepared: PreparedOperation, given: Object, otherwise: list[GraphQLError]) -> RequestError:
        """The error that tells what of the variables their types refuse; `otherwise` where they find nothing."""
        found = self._faults(prepared.operation.variable_definitions or (), given)
        return _request_error([*islice(found, self._limits.max_errors)] or otherwise, self._limits)

    def _faults(self, definitions: Iterable[VariableDefinitionNode], given: Object) -> Iterator[GraphQLError]:
        """Yield the errors of variables that their types refuse, each at its declaration."""
        for node in definitions:
            name, type_ = node.variable.name.value, type_from_ast(self._schema, node.type)
            if name in given:
                for path, message in faults(given[name], type_):
                    place = f", at {path_text(path)}" if path else ""
                    yield GraphQLError(f"Variable '${name}'{place}: {message}", node)
            elif isinstance(type_, GraphQLNonNull) and node.default_value is None:
                yield GraphQLError(f"Variable '${name}': A value is required.", node)

    def _prepare(self, text: str, name: str | None) -> PreparedOperation:
        document = self._parse(text)
        operation = _operation(document, name)
        errors = validate(self._schema, document, self._rules, max_errors=self._limits.max_errors)
        if errors:
            raise _request_error(errors, self._limits)
        excess = too_much(document, operation, self._limits)
        if excess:
            raise request_error(*excess[: self._limits.max_errors])
        definitions = operation.variable_definitions or ()
        variables, sized = self._coercions.variables(definitions), self._coercions.sized(definitions)
        return PreparedOperation(text, document, operation, _deciding(document, operation), variables, sized)

    def _parse(self, text: str) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.max_document_length:
            raise request_error(f"The document has {len(text)} characters; it may have {limits.max_document_length}.")
        try:
            return _Parser(text, max_tokens=limits.max_tokens).parse_document()
        except GraphQLSyntaxError as error:
            raise _request_error([error], limits) from None
        except RecursionError:
            raise request_error("The document is nested too deeply.") from None


RULES = tuple(PlainValues if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules)
"""Built once: a cache keyed by rules that are made for each request never hits."""

# Within 1,000 tokens the default lets a document of one field over and over be compared for 120 ms before it is refused.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 35_000


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None:
        if len(operations) == 1:
            return operations[0]
        message = "The document has no operation." if not operations else "The document has several operations: say which by operationName."
        raise request_error(message)
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise request_error(f"The document has no operation {shown(name)}.")


def _deciding(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The booleans that decide the operation's shape; another operation's may have the name of something else here."""
    names = deciding_variables(document)
    declared = {node.variable.name.value: node.type for node in operation.variable_definitions or ()}
    return tuple(sorted(name for name, type_ in declared.items() if name in names and print_ast(type_).rstrip("!") == "Boolean"))
