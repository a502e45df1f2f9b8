"""Exactly-once provisioning: lookup, decision and creation; duplicates; lifecycle; deletion."""
