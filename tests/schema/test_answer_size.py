

LONG = "x" * 10_000
UNLIMITED = 10**9
ALIASES = " ".join(f"d{place}: description" for place in range(28))
REPEATED = f"{{ opportunities(first: 45) {{ nodes {{ account {{ opportunities(first: 100) {{ nodes {{ {ALIASES} }} }} }} }} }} }}"


async def large_world(world: World, **changed: Any) -> Caller:
    """A workspace of 100 deals of one account, each with a description of 10,000 characters; its caller."""
    tenant = make_tenant(Random(3), "Large", deals=100)
    (account, *_) = tenant.ids("account")
    for deal in tenant.rows("opportunity"):
        deal |= {"account_id": account, "description": LONG, **changed}
    await fill(world.database, tenant)
    return tenant.caller()


def refused(answer: Answer) -> bool:
    """Whether an answer is refused as a whole because it would be too large."""
    if answer.executed:
        return False
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    return "bytes" in answer.errors[0]["message"]


@pytest.mark.parametrize("plans", [True, False])
async def test_rows_that_repeat(world: World, plans: bool) -> None:
    """What is read once and told under many parents and aliases is refused before it is assembled."""
    caller = await large_world(world)
    graph = Graph(world.database, limits=Limits(max_cost=UNLIMITED), plans=plans)
    prepared = graph.prepare(REPEATED)
    tracemalloc.start()
    answer = await graph.run(prepared, {}, caller)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused(answer)
    assert peak < 20_000_000


@pytest.mark.parametrize("plans", [True, False])
async def test_reading_ends_at_the_limit(world: World, plans: bool) -> None:
    """Rows of which an answer can't tell all aren't all read: neither they nor the answer fill the memory."""
    caller = await large_world(world, account_id=None)
    del caller, plans
