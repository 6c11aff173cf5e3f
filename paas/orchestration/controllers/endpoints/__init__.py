"""Endpoints and EndpointSlices: which pods stand behind a Service, and which take traffic."""
