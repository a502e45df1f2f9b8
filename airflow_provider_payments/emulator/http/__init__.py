"""HTTP: the server, the gateway in front of the platform's services, and fault injection."""
