"""Data Prep: mapping sets, their two dialects, and what a mapping does to a row."""
