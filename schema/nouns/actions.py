"""Every mutation of the graph, by name, with what it does; and what of the graph's queries a write's rules work out."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

# Rules are declared by being imported.
import schema.nouns.accounts.rules
import schema.nouns.contacts.rules
import schema.nouns.opportunities.rules
import schema.nouns.users.rules  # noqa: F401
from schema.engine.declare.noun import Noun
from schema.engine.write.actions import record_actions
from schema.engine.write.mutation_call import Action
from schema.engine.write.records import Writers
from schema.values import Object

from .opportunities.preview import preview_update
from .users import keys


class Writes:
    """The writes of a graph of these nouns, by name: the actions of its mutations, and the queries that work out a write."""

    def __init__(self, nouns: Iterable[Noun]) -> None:
        writers = Writers(nouns)
        found = record_actions(writers)
        self.actions: dict[str, Action] = found | {
            "createUser": replace(found["createUser"], admin=True),
            "updateUser": replace(found["updateUser"], admin=True, owns_tokens=True),
            "createApiKey": Action(partial(keys.create, writers["ApiKey"]), admin=True, creates=True),
            "rotateApiKey": Action(partial(keys.rotate, writers["ApiKey"]), admin=True, owns_tokens=True),
            "revokeApiKey": Action(partial(keys.revoke, writers["ApiKey"]), admin=True, owns_tokens=True),
        }
        self.worked_out: Object = {"previewUpdateOpportunity": partial(preview_update, writers["Opportunity"])}
