"""Speed, told as ratios against the barest program that does the same."""
