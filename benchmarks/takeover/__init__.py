"""What a caller notices of a bridge that is killed in the middle of a sentence; see __main__.py."""
