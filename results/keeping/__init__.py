"""What is kept, for how long, and the proofs that nothing of it was changed meanwhile."""
