"""The round trip with the client that openapi-generator's `python` makes."""

import sys
from datetime import date

import openapi_client as api

url, token = sys.argv[1:]
deals = api.OpportunitiesApi(api.ApiClient(api.Configuration(host=url, access_token=token)))
everything = deals.list_opportunities().count
page = deals.list_opportunities(stage=["proposal", "negotiation"], close_date_after=date(2000, 1, 1), close_date_before=date(2099, 12, 31))
assert 0 < page.count < everything
assert {deal.stage for deal in page.results} <= {"proposal", "negotiation"}
account = page.results[0].account_id
for value in (143.48, 16777217.0, 9999999999999.99):
    body = api.CreateOpportunity(name="Generated", account_id=account, value=value, close_date=date(2027, 2, 28))
    made = deals.create_opportunity(body)
    assert made.value == value, made.value
    assert made.close_date == date(2027, 2, 28)
    cleared = deals.update_opportunity(made.id, api.UpdateOpportunity(close_date=None))
    assert (cleared.value, cleared.close_date) == (value, None)
    assert deals.delete_opportunity_with_http_info(made.id).status_code == 204
try:
    deals.create_opportunity(api.CreateOpportunity(name="Generated", account_id="acc_nowhere"))
except api.ApiException as error:
    refused = error
assert refused.status == 422
# Its generator keeps the name `field` for itself.
assert [item.var_field for item in refused.data.errors] == ["accountId"]
