"""CI/CD pipelines."""
