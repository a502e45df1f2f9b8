"""Operators: one for each step of a chain, for flow runs on demand, and for the teardown."""
