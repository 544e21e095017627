"""Try out what a server offers: forms from JSON Schema, results, and what the server asks meanwhile."""
