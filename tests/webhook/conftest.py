"""Fixtures of the webhook's tests; see webhook_desk.py."""

from webhook_desk import start_webhook, webhook

__all__ = ["start_webhook", "webhook"]
