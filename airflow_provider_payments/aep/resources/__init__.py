"""Kinds of objects in Experience Platform, and frozen values that describe the desired state of one object each."""
