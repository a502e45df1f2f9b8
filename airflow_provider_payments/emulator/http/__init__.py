"""HTTP: the server, the gateway before the platform's services, and the faults that are injected into requests."""
