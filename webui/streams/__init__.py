"""Streams: fragments that stay true, logs that are followed. No thread per client."""
