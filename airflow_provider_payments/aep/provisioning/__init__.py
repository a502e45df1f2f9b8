"""Exactly once: look, decide, create, look again; duplicates; deletion."""
