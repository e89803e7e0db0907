"""The nouns of the line and the mathematics they share; needs numpy alone and imports no stage."""
