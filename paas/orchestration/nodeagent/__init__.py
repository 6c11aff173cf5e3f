"""The node agent: makes the pods bound to this node true, and answers for logs, exec and the like.

It owns pods' sandboxes, containers, volumes, probes, status and log files, and the Node object.
It refuses to decide where a pod runs (the scheduler) and how its address is reached (the network).
"""
