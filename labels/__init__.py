"""The patient is sampled."""
