"""Training: `loop.train` is read from top to bottom, the other modules are its nouns."""
