"""The contacts."""
