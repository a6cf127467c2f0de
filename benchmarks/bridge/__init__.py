"""``make bench-bridge``: how many calls one core bridges, ours beside others. See :mod:`benchmarks.bridge.__main__`."""
