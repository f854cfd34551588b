"""Experiments: claims of a course on convolutional networks, tried on networks that train in minutes."""
