"""The orders API: what POS systems, screens and integrators read and say, under ``/v1``.

Each request carries a key that is scoped to branches and rights (keys.py); what lies outside the key's branches does
not exist for it. Every refusal is an RFC 9457 problem with a stable code and what to do (problems.py). Everything has a
limit: sizes of bodies, pages and texts, and how often a key may ask (pace.py).
"""
