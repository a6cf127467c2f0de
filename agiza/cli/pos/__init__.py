"""The certification kit: it drives an integrator's webhook endpoint through what a real day brings, and reports."""
