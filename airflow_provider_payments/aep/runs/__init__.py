"""Flow runs: what one is, data windows, polling in batches, runs on demand."""
