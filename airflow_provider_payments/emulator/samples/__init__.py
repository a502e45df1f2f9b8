"""The vendors' data: tables of payments from a fixed seed, with a few bad rows."""
