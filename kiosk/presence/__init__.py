"""Who works here and is at which screen: roles given and ended, paired PCs, sign-ins, a day's duty, lost proofs."""
