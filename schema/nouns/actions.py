"""Every mutation of the graph, by name, with what it does; and what of the graph's queries a write's rules work out."""

from collections.abc import Mapping
from typing import Any

from schema.engine.write.transaction import Action
from schema.nouns.opportunities.preview import preview_update
from schema.rules.errors import BadRequest

from . import changing as people
from .opportunities import changing as opportunities
from .opportunities import many
from .users import keys


def _check_versions(arguments: Mapping[str, Any]) -> None:
    ids, versions = arguments["ids"], arguments.get("expectedVersions")
    if versions is not None and len(versions) != len(ids):
        message = f"`expectedVersions` has {len(versions)} items and `ids` {len(ids)}: give one for each id, null where any will do."
        raise BadRequest(message)


ACTIONS: dict[str, Action] = {
    "createOpportunity": Action(opportunities.create, creates=True),
    "updateOpportunity": Action(opportunities.update),
    "deleteOpportunity": Action(opportunities.remove),
    "createOpportunities": Action(many.create_many, many=True, creates=True),
    "updateOpportunities": Action(many.update_many, many=True, check=_check_versions),
    "deleteOpportunities": Action(many.remove_many, many=True, check=_check_versions),
    "createAccount": Action(people.create(people.ACCOUNT), creates=True),
    "updateAccount": Action(people.change(people.ACCOUNT)),
    "deleteAccount": Action(people.remove_account),
    "createContact": Action(people.create(people.CONTACT), creates=True),
    "updateContact": Action(people.change(people.CONTACT)),
    "deleteContact": Action(people.remove_contact, many=True),
    "createUser": Action(people.create(people.USER), admin=True, creates=True),
    "updateUser": Action(people.change(people.USER), admin=True, owns_tokens=True),
    "createApiKey": Action(keys.create, admin=True, creates=True),
    "revokeApiKey": Action(keys.revoke, admin=True, owns_tokens=True),
}

WORKED_OUT = {"previewUpdateOpportunity": preview_update}
