"""``make bench-feed``: a branch's feed in all its forms, with readers that are away, killed and cut off."""
