"""The door: what patients touch, see and hear; nothing here knows a patient or a member of the staff."""
