"""The `minato` command."""
