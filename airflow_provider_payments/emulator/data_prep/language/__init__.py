"""The expression language of Data Prep: parsing, evaluating, its functions."""
