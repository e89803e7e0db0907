"""Places of streams, one kind a file: `Connector` says what each has."""
