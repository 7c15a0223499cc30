"""The arithmetic of the waiting line, pure and without a database."""
