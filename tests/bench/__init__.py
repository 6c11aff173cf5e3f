"""What must be measured: ratios against the bare tools, on a platform of the run's own.

`python -m tests.bench` runs all; no test of pytest's is here, because a busy machine fails none.
"""
