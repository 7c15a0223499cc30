"""The patient arrives."""
