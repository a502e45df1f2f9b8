"""Triggers: waiting for flow runs without a worker, and asset events."""
