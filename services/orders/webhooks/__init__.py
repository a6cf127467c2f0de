"""Webhooks: what subscribers set up, and how the branch's numbered events reach them."""
