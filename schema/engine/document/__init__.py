"""A GraphQL document before it is compiled: parsed, validated, limited, its selections merged and its variables coerced."""
