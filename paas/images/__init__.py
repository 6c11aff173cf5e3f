"""ImageStreams, and the registry's tokens and notifications."""
