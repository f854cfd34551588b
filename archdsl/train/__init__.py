"""Training of generated models, and what is measured held against what was predicted."""
