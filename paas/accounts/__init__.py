"""People and their tokens; who a request is from."""
