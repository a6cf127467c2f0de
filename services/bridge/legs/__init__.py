"""The two sockets of a call. They translate; they decide nothing."""
