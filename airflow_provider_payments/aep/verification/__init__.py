"""Whether a real sandbox behaves as this package assumes: the checks, their objects, and the report."""
