"""HL7 v2 messages, read and written with the standard library alone."""
