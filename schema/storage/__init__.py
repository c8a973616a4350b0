"""Tables and the drivers under them."""
