"""The matrix of escalations: every way in which a caller may be brought to a person, and the verdict on each."""
