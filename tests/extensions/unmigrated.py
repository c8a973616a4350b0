"""A package whose author has not yet written its migrations."""

from schema.declaring import NAME, Extension, Tracked, field, noun

extension = Extension("unmigrated")


@extension.declares
@noun("unm", lists=True)
class Unmigrated(Tracked, table=True):
    """One."""

    name: str = field("A name.", NAME)
