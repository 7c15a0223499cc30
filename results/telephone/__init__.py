"""The screens of the telephone that stand beside the reference and its code."""
