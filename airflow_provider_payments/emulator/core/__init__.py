"""The parts that all services share: requests, stores, the clock, faults. Nothing here depends on a service."""
