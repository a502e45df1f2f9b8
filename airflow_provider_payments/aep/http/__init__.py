"""One request: the transport, the decision to retry, auth, rate limits, the platform's clock, deadlines."""
