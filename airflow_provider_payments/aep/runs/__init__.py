"""Flow runs: reading and polling them, their data windows, runs on demand, and diagnostics of failed records."""
