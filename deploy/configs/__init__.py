"""Configuration files of every server, as text made from one Instance. No I/O here."""
