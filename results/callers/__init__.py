"""Callers on the telephone: how far the proof went, how the call ended, and what waits for the biologist."""
