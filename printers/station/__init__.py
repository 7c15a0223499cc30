"""The only programme that opens a printer."""
