"""The nouns: each folder declares one kind of record, its rules and its reports."""
