"""The training step: from kept samples to the next model."""
