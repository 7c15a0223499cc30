"""The patient is told."""
