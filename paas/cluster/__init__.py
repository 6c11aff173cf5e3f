"""The client that everything above the engine uses, whichever engine runs below."""
