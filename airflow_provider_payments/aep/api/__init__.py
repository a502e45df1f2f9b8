"""What each service offers: reads, lists and their quirks."""
