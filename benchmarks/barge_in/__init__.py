"""Barge-in, measured: a line in virtual time, sounds for it, and the figures. ``benchmarks/bargein.py`` runs it."""
