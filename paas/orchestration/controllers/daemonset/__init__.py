"""DaemonSets: one pod on every node that its template allows."""
