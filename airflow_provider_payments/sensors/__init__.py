"""The sensor that waits for a flow run."""
