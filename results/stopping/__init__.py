"""What closes every way at once."""
