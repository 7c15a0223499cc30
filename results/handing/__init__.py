"""A result is handed over on paper, to the person or to somebody the law lets stand for them; it knows no telephone."""
