"""What was signed and no longer stands: taken back, and told again to whoever heard it; nothing is opened here."""
