"""The engine: it compiles, runs and writes what the nouns declare. It names no noun, and imports none."""
