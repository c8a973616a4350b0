"""Tools over translation: what a call becomes, which name is which, and recordings as GraphQL operations."""
