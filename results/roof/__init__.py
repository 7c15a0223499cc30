"""What the staff app is tied together with, beside its screens; only the app opens it."""
