"""What a composite costs, measured beside the direct connection with the same child. Run `python -m tests.bench`."""
