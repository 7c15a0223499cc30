"""The print room: what every printer does, and what only a person can say of a paper."""
