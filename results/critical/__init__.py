"""Values that cannot wait, from their receipt until a physician has repeated them."""
