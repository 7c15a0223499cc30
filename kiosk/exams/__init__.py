"""What is asked of the laboratory; the public app never loads it."""
