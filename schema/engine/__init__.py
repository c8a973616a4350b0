"""The engine: what compiles, runs and writes whatever the nouns declare. It names no noun, and imports none."""
