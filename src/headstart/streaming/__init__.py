"""Stage 9, stream: records come in from a place, answers go out to another."""
