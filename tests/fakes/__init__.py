"""In-memory stand-ins for parts behind a Protocol; each passes its contract tests."""
