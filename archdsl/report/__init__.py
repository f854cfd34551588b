"""An analysis as text for people and for programs. Each file is one format with a function `render`."""
