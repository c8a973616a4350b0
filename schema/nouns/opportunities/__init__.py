"""The opportunity: a deal on its way through the pipeline."""
