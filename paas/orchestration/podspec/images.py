"""Image references, as far as the API needs them. Source: distribution/reference."""


def tag_of(image: str) -> str:
    """Return the tag; "latest" where neither tag nor digest is given, "" for a bare digest."""
    name, _, digest = image.partition("@")
    last = name.rpartition("/")[2]
    tag = last.partition(":")[2]
    if tag:
        return tag
    return "" if digest else "latest"
