"""The declarations of nouns: fields, enums, orders, filters. Everything here is derived once, at start."""
