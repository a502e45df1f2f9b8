"""Flow Service: connections, dataflows and their runs."""
