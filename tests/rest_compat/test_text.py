"""Text by both doors, on both databases: what can't be seen, what looks alike, what is searched for."""

from random import Random
from unicodedata import normalize

from tests.rest_compat.real import OPPORTUNITIES, Gateway

UNSEEN = ["\u200b", "\ufeff", "\u00ad", "\u2060\u200d", "\u3164", "\u2800", "\u3000 \u200b", "\U000e0020", " ", "", "\x07"]
CREATE_USER = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { name } userErrors { field code } } }"
CREATE_DEAL = "mutation($input: CreateOpportunityInput!) { createOpportunity(input: $input) { userErrors { field code } } }"
CREATE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { userErrors { message } } }"


async def test_a_name_can_be_seen(here: Gateway) -> None:
    """A name of which nothing shows is refused by both doors, of every kind of record, as a blank one is."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    deal = await here.make(OPPORTUNITIES, name="N", accountId=account)
    for name in UNSEEN:
        for path, body in {"/api/accounts/": {}, OPPORTUNITIES: {"accountId": account}}.items():
            assert await _field_at_fault(here, "POST", path, {**body, "name": name}) == "name"
        assert await _field_at_fault(here, "PATCH", f"{OPPORTUNITIES}{deal['id']}/", {"name": name}) == "name"
        contact = {"firstName": name, "lastName": name, "email": "a@example.com"}
        assert await _field_at_fault(here, "POST", "/api/contacts/", contact) == "firstName"
        said = await here.query(CREATE_DEAL, {"input": {"name": name, "accountId": account}})
        assert said["createOpportunity"]["userErrors"] == [{"field": ["name"], "code": "VALIDATION_ERROR"}]
        said = await here.query(CREATE_USER, {"input": {"name": name, "email": "b@example.com", "role": "MEMBER"}})
        assert said["createUser"]["userErrors"] == [{"field": ["name"], "code": "VALIDATION_ERROR"}]


async def _field_at_fault(here: Gateway, method: str, path: str, body: dict[str, str]) -> str:
    """The first field that a 422 names."""
    answer = await here.client.request(method, path, json=body)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["errors"][0]["field"])


async def test_names_are_trimmed(here: Gateway) -> None:
    """What can't be seen at a name's ends goes, also what only some programs call a blank; what is within stays."""
    made = await here.make("/api/accounts/", name="\ufeff\u00a0Acme\u00ad Ltd\u200b\n")
    assert made["name"] == "Acme\u00ad Ltd"
    made = await here.make("/api/contacts/", firstName="\u200bSam ", lastName="\ufeff", email="sam@example.com")
    assert made["name"] == "Sam"


async def test_names_that_grow_when_they_are_folded(here: Gateway) -> None:
    """A name of 200 characters that each stand for several is kept, found and put in order: its form for searching fits into an index."""
    random = Random(7)
    account = (await here.make("/api/accounts/", name="\ufdfa" * 200))["id"]
    for characters in (range(0x3300, 0x3358), range(0xFB50, 0xFDFC), [0xFDFA]):
        name = "".join(chr(random.choice(characters)) for _ in range(200))
        made = await here.make(OPPORTUNITIES, name=name, accountId=account)
        assert made["name"] == name
        found = await here.client.get(OPPORTUNITIES, params={"search": name[:20], "ordering": "name"})
        assert made["id"] in [each["id"] for each in found.json()["results"]]
    first = (
        "query($after: String) { opportunities(orderBy: {field: NAME}, first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }"
    )
    seen, after = [], None
    for _ in range(3):
        page = (await here.query(first, {"after": after}))["opportunities"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert len(set(seen)) == 3


FOUND = {
    "Cafe\u0301 Noir": ["Café", "CAFÉ", "cafe\u0301"],
    "Café Blanc": ["cafe\u0301 b", "CAFE\u0301"],
    "\u1112\u1161\u11ab\u1100\u1173\u11af": ["한글", "한"],
    "No\u00a0break": ["no break", "NO\u00a0BREAK"],
    "ＷＩＤＥ": ["wide", "ＷＩde"],
    "Straße": ["STRASSE", "straße"],
    "ﬁne": ["FINE"],
    "Å": ["\u212b", "a\u030a"],
}


async def test_what_looks_alike_is_found(here: Gateway) -> None:
    """Accents, syllables, blanks and widths written in two ways are found by either, in every list, and stand in one order."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    for place, name in enumerate(FOUND):
        await here.make(OPPORTUNITIES, name=name, accountId=account)
        await here.make("/api/accounts/", name=name)
        await here.make("/api/contacts/", lastName=name, email=f"{place}@example.com")
        await here.user(name, f"{place}@example.com")
    for name, searches in FOUND.items():
        for search in searches:
            for path in (OPPORTUNITIES, "/api/accounts/", "/api/contacts/"):
                found = (await here.client.get(path, params={"search": search})).json()["results"]
                assert name in [each["name"] for each in found], (path, search)
            users = (await here.query("query($search: String) { users(search: $search) { nodes { name } } }", {"search": search}))["users"]
            assert name in [node["name"] for node in users["nodes"]]
            filter_ = {"name": {"startsWith": search}}
            document = "query($filter: OpportunityFilter) { opportunities(filter: $filter) { nodes { name } } }"
            assert name in [node["name"] for node in (await here.query(document, {"filter": filter_}))["opportunities"]["nodes"]]
    listed = [each["name"] for each in (await here.client.get(OPPORTUNITIES, params={"ordering": "name"})).json()["results"]]
    assert listed == sorted(FOUND, key=lambda name: normalize("NFKC", normalize("NFKC", name).casefold()))


async def test_searches_are_trimmed(here: Gateway) -> None:
    """Blanks at the ends of `search` don't count, of nothing else it is as if absent, and control characters are refused, by both doors."""
    account = (await here.make("/api/accounts/", name="Acme Ltd"))["id"]
    await here.make("/api/accounts/", name="Other")
    for name in ("Acme Ltd", "Other"):
        await here.make(OPPORTUNITIES, name=name, accountId=account)
        await here.make("/api/contacts/", lastName=name, email=f"{name[0]}@example.com")
    document = "query($search: String) { accounts(search: $search) { totalCount } contacts(search: $search) { totalCount } }"
    for search, count in {"  acme ": 1, "\u00a0ACME\u200b": 1, "   ": 2, "": 2, "\ufeff\u00ad": 2, "e L": 1, "eL": 0}.items():
        for path in (OPPORTUNITIES, "/api/accounts/", "/api/contacts/"):
            answer = await here.client.get(path, params={"search": search})
            assert (answer.status_code, answer.json()["count"]) == (200, count), (path, search)
            assert answer.headers.get("x-ignored-parameters") == ("search" if count == 2 else None)
        found = await here.query(document, {"search": search})
        assert found == {"accounts": {"totalCount": count}, "contacts": {"totalCount": count}}, search
    for search in ("\n", "acme\n", "a\tc", "\x1b[0m", "\x85"):
        for path in (OPPORTUNITIES, "/api/accounts/", "/api/contacts/"):
            answer = await here.client.get(path, params={"search": search})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "search")
            assert "control characters" in answer.json()["errors"][0]["message"]
        answer = await here.client.post("/graphql", json={"query": document, "variables": {"search": search}})
        assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"BAD_REQUEST"}
        assert "control character" in answer.json()["errors"][0]["message"]


async def test_conditions_on_texts_are_not_trimmed(here: Gateway) -> None:
    """`contains`, `startsWith` and `eq` take a text as it is, blanks and controls included."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    await here.make(OPPORTUNITIES, name="Acme Ltd", accountId=account)
    document = "query($filter: OpportunityFilter) { opportunities(filter: $filter) { totalCount } }"
    for operator, text, count in (
        ("contains", " ", 1),
        ("contains", "acme ", 1),
        ("contains", " acme", 0),
        ("contains", "\n", 0),
        ("startsWith", " Acme", 0),
        ("startsWith", "ACME ", 1),
        ("eq", "Acme Ltd", 1),
        ("eq", "Acme Ltd ", 0),
    ):
        found = await here.query(document, {"filter": {"name": {operator: text}}})
        assert found["opportunities"]["totalCount"] == count, (operator, text)


PREVIOUS = {
    "offset=9999&limit=20": "offset=240",
    "offset=250&limit=20": "offset=230",
    "offset=260&limit=20": "offset=240",
    "offset=300&limit=100": "offset=200",
    "offset=9999&limit=250": "offset=200",
    "offset=5&limit=20": "offset=0",
    "offset=0&limit=20": None,
    "offset=5&limit=20&search=nothing": None,
    "offset=9999&search=Deal 1&limit=100": "offset=100",
}


async def test_the_page_before_has_rows(here: Gateway) -> None:
    """However far past the end, `previous` is the last page that has rows; of nothing there is none."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    inputs = [{"name": f"Deal {number}", "accountId": account} for number in range(250)]
    await here.query(
        "mutation($inputs: [CreateOpportunityInput!]!) { createOpportunities(inputs: $inputs) { failed } }", {"inputs": inputs}
    )
    for query, previous in PREVIOUS.items():
        answer = (await here.client.get(f"{OPPORTUNITIES}?{query}")).json()
        if previous is None:
            assert answer["previous"] is None, query
        else:
            assert previous in answer["previous"].partition("?")[2].split("&")
            assert (await here.client.get(answer["previous"])).json()["results"]


async def test_positions_in_an_order_by_several_long_names(here: Gateway) -> None:
    """Whatever names a list is ordered by, both doors take the positions that they gave, however long these are."""
    name = "\U0001d160" * 200  # Three characters of four bytes each, once it is folded.
    user = await here.user(name, "a@example.com")
    account = (await here.make("/api/accounts/", name=name))["id"]
    ids = [(await here.make(OPPORTUNITIES, name=name, accountId=account, assignedTo=user))["id"] for _ in range(2)]
    link = (await here.client.get(OPPORTUNITIES, params={"ordering": "name,accountName,ownerName", "limit": 1})).json()["next"]
    following = await here.client.get(link)
    assert [each["id"] for each in following.json()["results"]] == ids[1:], following.text
    order = "[{field: NAME}, {field: ACCOUNT_NAME}, {field: OWNER_NAME}]"
    document = f"query($after: String) {{ opportunities(orderBy: {order}, after: $after) {{ edges {{ cursor node {{ id }} }} }} }}"
    first = (await here.query(document))["opportunities"]["edges"]
    assert (await here.query(document, {"after": first[0]["cursor"]}))["opportunities"]["edges"][0]["node"]["id"] == ids[1]


async def test_texts_in_errors_are_short(here: Gateway) -> None:
    """A text of a caller's stands in an error cut, and without what moves a terminal's cursor, wherever it came."""
    long = "\x1b[31m\n" + "x" * 5_000
    account = (await here.make("/api/accounts/", name="A"))["id"]
    twice = await here.client.post(OPPORTUNITIES, json={"name": "N", "accountId": account, "contactIds": [long, long]})
    key = await here.query(CREATE_KEY, {"input": {"name": "K", "role": "MEMBER", "scopes": [long]}})
    named = await here.client.post("/graphql", json={"query": "{ stages { stage } }", "operationName": long})
    messages = [
        twice.json()["errors"][0]["message"],
        key["createApiKey"]["userErrors"][0]["message"],
        named.json()["errors"][0]["message"],
    ]
    assert all(message.isprintable() and len(message) < 2_000 for message in messages), [len(message) for message in messages]
