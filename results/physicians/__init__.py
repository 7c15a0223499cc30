"""The physicians whom the laboratory knows, and what one of them may be told on the telephone."""
