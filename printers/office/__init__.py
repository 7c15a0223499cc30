"""An office printer: whole A4 pages over the internet printing protocol, and its word that each came out."""
