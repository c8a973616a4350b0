"""The round trip with the client that openapi-python-client makes."""

import sys
from datetime import date

from generated import AuthenticatedClient
from generated.api.opportunities import create_opportunity, delete_opportunity, list_opportunities, update_opportunity
from generated.models import ApiError, CreateOpportunity, ListOpportunitiesStageItem, Opportunity, OpportunityPage, UpdateOpportunity

url, token = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)
everything = list_opportunities.sync(client=client)
page = list_opportunities.sync(
    client=client,
    stage=[ListOpportunitiesStageItem.PROPOSAL, ListOpportunitiesStageItem.NEGOTIATION],
    close_date_after=date(2000, 1, 1),
    close_date_before=date(2099, 12, 31),
)
assert isinstance(everything, OpportunityPage)
assert isinstance(page, OpportunityPage), page
assert 0 < page.count < everything.count
assert {deal.stage for deal in page.results} <= {"proposal", "negotiation"}
account = page.results[0].account_id
for value in (143.48, 16777217.0, 9999999999999.99):
    body = CreateOpportunity(name="Generated", account_id=account, value=value, close_date=date(2027, 2, 28))
    made = create_opportunity.sync(client=client, body=body)
    assert isinstance(made, Opportunity), made
    assert (made.value, made.close_date) == (value, date(2027, 2, 28))
    cleared = update_opportunity.sync(made.id, client=client, body=UpdateOpportunity(close_date=None))
    assert isinstance(cleared, Opportunity), cleared
    assert (cleared.value, cleared.close_date) == (value, None)
    assert delete_opportunity.sync_detailed(made.id, client=client).status_code == 204
refused = create_opportunity.sync_detailed(client=client, body=CreateOpportunity(name="Generated", account_id="acc_nowhere"))
assert refused.status_code == 422
assert isinstance(refused.parsed, ApiError)
assert [item.field for item in refused.parsed.errors] == ["accountId"]
