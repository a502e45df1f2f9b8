"""What services share and none of them owns: requests, stores, time, faults. It knows no service."""
