"""Sandbox management: the list of sandboxes."""
