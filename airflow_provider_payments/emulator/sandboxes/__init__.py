"""Sandbox management: which sandboxes there are."""
