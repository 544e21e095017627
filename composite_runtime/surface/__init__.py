"""What a client will see, as pure functions of the graph and of what the children offer."""
