"""Every mutation of the graph, by name, with what it does."""

from . import keys, opportunities, people
from .transaction import Action

ACTIONS: dict[str, Action] = {
    "createOpportunity": Action(opportunities.create),
    "updateOpportunity": Action(opportunities.update),
    "deleteOpportunity": Action(opportunities.remove),
    "createOpportunities": Action(opportunities.create_many, many=True),
    "updateOpportunities": Action(opportunities.update_many, many=True),
    "deleteOpportunities": Action(opportunities.remove_many, many=True),
    "previewUpdateOpportunity": Action(opportunities.preview),
    "createAccount": Action(people.create(people.ACCOUNT)),
    "updateAccount": Action(people.change(people.ACCOUNT)),
    "deleteAccount": Action(people.remove_account),
    "createContact": Action(people.create(people.CONTACT)),
    "updateContact": Action(people.change(people.CONTACT)),
    "deleteContact": Action(people.remove_contact, many=True),
    "createUser": Action(people.create(people.USER), admin=True),
    "updateUser": Action(people.change(people.USER), admin=True),
    "createApiKey": Action(keys.create, admin=True),
    "revokeApiKey": Action(keys.revoke, admin=True),
}
