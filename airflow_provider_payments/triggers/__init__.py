"""Triggers that wait for flow runs without a worker, and that turn flow runs into asset events."""
