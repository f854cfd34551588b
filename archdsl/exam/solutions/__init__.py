"""Worked solutions: what is derived of each quantity, and how it is laid out."""
