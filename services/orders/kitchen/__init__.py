"""The kitchen screen, ``/kitchen/{branch}``: carts while their callers speak, tickets, and what is said of them."""
