"""Windows: what a stream's answers come to in each stretch of time, by group."""
