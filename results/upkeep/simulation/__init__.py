"""A day of the line played again and again, by the counter's own policy, to see what would change."""
