"""Calls whose model sessions are announced to end, cut off in the middle, or lost: what the caller hears of it."""
