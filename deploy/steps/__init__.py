"""The steps of `minato up`, in `order.py`; each looks at the world and does what is missing."""
