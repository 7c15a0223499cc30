"""The screens of the telephone: a caller, a physician, and the biologist who answers them."""
