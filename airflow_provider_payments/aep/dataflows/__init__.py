"""Whole dataflows: definitions of them in files, plans, applies, exports and destroys."""
