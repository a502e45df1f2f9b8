"""Catalog: datasets and their batches."""
