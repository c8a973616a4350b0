"""All nouns, with the types that the graph makes of them. Importing this also fills the metadata with all tables."""

from ..engine.declare.derive import derive
from .accounts.account import Account
from .contacts.contact import Contact
from .opportunities.opportunity import Opportunity
from .opportunities.stage_change import StageChange
from .users.actor import Actor
from .users.api_key import ApiKey
from .users.user import User
from .workspaces.graphql_usage import GraphqlUsage
from .workspaces.rest_usage import RestUsage
from .workspaces.workspace import Workspace

derive()

__all__ = ["Account", "Actor", "ApiKey", "Contact", "GraphqlUsage", "Opportunity", "RestUsage", "StageChange", "User", "Workspace"]
