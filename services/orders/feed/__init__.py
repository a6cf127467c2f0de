"""The branch's numbered order events, as everybody reads them: POS systems, screens, and our own checks."""
