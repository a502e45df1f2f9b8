"""Whether a real sandbox behaves as this package assumes: the checks, the objects that they create, and the report."""
