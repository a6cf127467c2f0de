"""How soon a kitchen sees what was said: real ``orders``, real servers, a real browser."""
