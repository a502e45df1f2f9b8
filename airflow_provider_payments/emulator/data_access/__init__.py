"""Data Access: the files of a dataset, and the diagnostics of a batch."""
