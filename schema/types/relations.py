"""How records hang together, and what a viewer limited to one account may see of them."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, bindparam, exists, or_

from ..plan.sources import Linked
from ..storage import tables
from ..storage.columns import Text

OPPORTUNITY: Any = tables.Opportunity.__table__  # type: ignore[attr-defined]
CONTACT: Any = tables.Contact.__table__  # type: ignore[attr-defined]
LINK: Any = tables.OpportunityContact.__table__  # type: ignore[attr-defined]

CONTACTS = Linked(LINK, here="opportunity_id", there="contact_id", order="position")
OPPORTUNITIES = Linked(LINK, here="contact_id", there="opportunity_id", order="position")

VIEWER_ACCOUNT = bindparam("viewer_account", type_=Text(), required=True)
VIEWER_USER = bindparam("viewer_user", type_=Text(), required=True)


def own_account(record: FromClause) -> ColumnElement[bool]:
    """A record that belongs to the viewer's account."""
    return record.c.account_id == VIEWER_ACCOUNT


def itself(account: FromClause) -> ColumnElement[bool]:
    """The viewer's account."""
    return account.c.id == VIEWER_ACCOUNT


def known_user(user: FromClause) -> ColumnElement[bool]:
    """A limited viewer sees itself and whoever owns one of its account's deals."""
    deal = OPPORTUNITY.alias()
    owned = (deal.c.workspace_id == user.c.workspace_id) & (deal.c.assigned_to_id == user.c.id) & (deal.c.account_id == VIEWER_ACCOUNT)
    return or_(user.c.id == VIEWER_USER, exists().where(owned))


def visible_link(link: FromClause) -> ColumnElement[bool]:
    """A link to a contact of the viewer's account."""
    contact = CONTACT.alias()
    same = (contact.c.workspace_id == link.c.workspace_id) & (contact.c.id == link.c.contact_id)
    return exists().where(same, contact.c.account_id == VIEWER_ACCOUNT)
