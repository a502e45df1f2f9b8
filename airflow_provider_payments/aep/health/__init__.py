"""The health of many dataflows: what is read of them in few requests, and what is judged of it."""
