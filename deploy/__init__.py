"""Set-up, processes and their configuration."""
