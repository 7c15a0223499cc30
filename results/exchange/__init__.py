"""What the laboratory system sends and is sent."""
