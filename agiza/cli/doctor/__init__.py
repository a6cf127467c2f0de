"""``agiza doctor``: looks at everything that must be right before and while callers ring, and says what to mend.

One module per subject. In each, what asks the world is apart from what judges the answer, which is pure.
"""
