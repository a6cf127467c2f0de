"""``make bench-kill``: from an interruption to silence. See :mod:`benchmarks.kill.__main__`."""
