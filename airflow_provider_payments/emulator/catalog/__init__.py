"""Catalog: datasets and the batches that land in them."""
