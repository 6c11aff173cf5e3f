"""The console: pages over the services of `paas`."""
