"""Whole dataflows as a team writes them down: definitions, and what the platform holds against them."""
