"""What a training script is made of: modules that need only torch and Python's own library, stitched into one file."""
