"""How records hang together, and what a viewer limited to one account may see of them."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, bindparam, exists, or_

from ..plan.sources import VIEWER_ACCOUNT, Linked, OwnedBy
from ..storage import tables
from ..storage.columns import Text

OPPORTUNITY: Any = tables.Opportunity.__table__
CONTACT: Any = tables.Contact.__table__
LINK: Any = tables.OpportunityContact.__table__

CONTACTS = Linked(LINK, here="opportunity_id", there="contact_id", order="position")
OPPORTUNITIES = Linked(LINK, here="contact_id", there="opportunity_id", order="position")

DEAL_ORDERS = {
    "NAME": ("a", "name_folded"),
    "VALUE": ("b", "value_cents"),
    "STAGE": ("c", "stage"),
    "PROBABILITY": ("d", "probability"),
    "CLOSE_DATE": ("e", "close_date"),
    "CREATED_AT": ("f", "created_at"),
    "UPDATED_AT": ("g", "updated_at"),
}
"""What opportunities can be ordered by: the code that stands for it in cursors, and the column."""

VIEWER_USER = bindparam("viewer_user", type_=Text(), required=True)


own_account, itself = OwnedBy("account_id"), OwnedBy("id")
"""Records that belong to the viewer's account; the account itself."""


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
