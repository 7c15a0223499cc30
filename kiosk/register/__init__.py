"""The facts that every step shares; no screen lives here."""
