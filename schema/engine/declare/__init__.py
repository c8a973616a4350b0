"""What nouns are declared with: fields, enums, orders, filters. Everything here is derived once, at start."""
