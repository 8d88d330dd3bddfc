"""What a training step minimises: terms, the losses of RVM and of the image networks, and their names in configs."""
