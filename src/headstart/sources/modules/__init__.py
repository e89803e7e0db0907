"""Trainable networks, one file an architecture: `build(state, card)` makes a torch module with the state's names."""
