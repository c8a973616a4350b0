"""`gateway`, with all that opportunities have in REST deprecated: `python -m tests.end_to_end.deprecating serve --demo`."""

from dataclasses import replace
from datetime import date
from functools import partial

import gateway.app
from gateway.__main__ import main
from rest_compat.declaration import METHODS, Deprecation
from rest_compat.routes import RESOURCES, routes

OLD = Deprecation(since=date(2026, 1, 1), sunset=date(2027, 1, 1), link="https://crm.example.com/leaving")

if __name__ == "__main__":
    first, *others = RESOURCES
    deprecated = replace(
        first,
        keys=tuple(replace(key, deprecated=OLD) for key in first.keys),
        parameters=tuple(replace(one, deprecated=OLD) for one in first.parameters),
        deprecated=dict.fromkeys(METHODS, OLD),
    )
    gateway.app.rest_routes = partial(routes, resources=(deprecated, *others))
    main()
