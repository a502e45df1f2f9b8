"""Reads of each service, with the quirks of its lists."""
