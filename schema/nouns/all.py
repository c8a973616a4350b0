"""All nouns, with the types that the graph makes of them. Importing this also fills the metadata with all tables."""

from schema.engine.declare.base import NOUNS
from schema.engine.declare.derive import derive
from schema.nouns.accounts.account import Account
from schema.nouns.contacts.contact import Contact
from schema.nouns.opportunities.opportunity import Opportunity
from schema.nouns.opportunities.stage_change import StageChange
from schema.nouns.users.actor import Actor
from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.audit import AuditEntry
from schema.nouns.users.user import User
from schema.nouns.workspaces.graphql_usage import GraphqlUsage
from schema.nouns.workspaces.rest_usage import RestUsage
from schema.nouns.workspaces.workspace import Workspace

derive()

BUILT_IN = tuple(NOUNS.values())
"""The nouns of every graph; packages may add others."""

__all__ = [
    "BUILT_IN",
    "Account",
    "Actor",
    "ApiKey",
    "AuditEntry",
    "Contact",
    "GraphqlUsage",
    "Opportunity",
    "RestUsage",
    "StageChange",
    "User",
    "Workspace",
]
