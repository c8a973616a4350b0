"""OpenAPI of all routes, generated from the declarations."""
