"""Data Prep: mapping sets in both dialects of the API, and the mapping of rows."""
