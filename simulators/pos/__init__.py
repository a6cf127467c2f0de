"""A sample point-of-sale system: how to receive a restaurant's orders so that none is lost, doubled or out of date."""
