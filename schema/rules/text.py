"""Text as it is searched and sorted by."""


def fold(text: str) -> str:
    """`text` with its case folded (Unicode's full case folding, section 3.13), beyond ASCII too."""
    return text.casefold()
