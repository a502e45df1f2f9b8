"""The health of many dataflows: reading it with few requests, judging it, and reporting it."""
