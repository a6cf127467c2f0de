"""Deliveries to subscribers under load, beside an endpoint that hangs, and after one that was down for half an hour."""
