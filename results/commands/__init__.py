"""What a person types at the terminal: one subject of `etiquette` a module; each asks, and says what was done."""
