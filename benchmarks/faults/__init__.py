"""Real processes under faults: whether every confirmed order becomes exactly one ticket."""
