"""Who is at which screen: paired PCs, sign-ins, the day's duty at a desk, and how lost proofs are given back."""
