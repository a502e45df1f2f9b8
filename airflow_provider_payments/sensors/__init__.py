"""Sensors: waiting for a flow run."""
