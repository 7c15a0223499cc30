"""Printers without paper dust, for tests and demonstrations only."""
