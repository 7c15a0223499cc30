"""Reports and their versions; this folder knows no code and no caller."""
