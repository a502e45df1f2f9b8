"""What stands behind the base connections: payments-shaped tables from a fixed seed, a few rows of them bad."""
