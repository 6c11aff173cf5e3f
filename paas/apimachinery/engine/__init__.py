"""The engine of every controller: queues, shared informers, loops, events.

Only this package loops, sleeps and counts failures; a controller decides and acts on one key.
"""
