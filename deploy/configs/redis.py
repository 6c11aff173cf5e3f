"""Redis: a Unix socket only, append-only file on, as little idle work as it can.

Source: redis.conf of Redis 7.0.
"""

from deploy import layout
from paas.settings.instance import Instance


def redis_conf(instance: Instance) -> str:
    """Return redis.conf; nothing in it is the truth, so one second of loss is accepted."""
    lines = [
        "port 0",
        f"unixsocket {instance.redis_socket}",
        "unixsocketperm 770",
        f"dir {layout.redis_directory(instance)}",
        "daemonize no",
        "databases 4",
        'save ""',
        "appendonly yes",
        "appendfsync everysec",
        "maxmemory 256mb",
        # a queue must refuse, never forget
        "maxmemory-policy noeviction",
        "hz 1",
        "dynamic-hz yes",
        "activerehashing no",
        "loglevel notice",
    ]
    return "\n".join(lines) + "\n"
