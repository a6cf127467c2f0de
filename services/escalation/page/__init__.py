"""The page on which a branch's people see who needs them, before the phone is picked up."""
