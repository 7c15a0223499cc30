"""Forms of numbers and texts that outlive every programme; the standard library alone."""
