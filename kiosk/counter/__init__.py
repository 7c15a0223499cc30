"""What only secretaries do; the public app never loads it."""
