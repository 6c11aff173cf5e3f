"""Routes: host names and paths under which services are reached, and the HAProxy that serves."""
