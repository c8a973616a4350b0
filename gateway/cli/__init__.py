"""The command line."""

import gc

# Reading modules makes many objects and leaves next to no garbage: looking for it as often as usual takes an eighth of a command's start.
gc.set_threshold(100_000, *gc.get_threshold()[1:])
