"""Other programmes that run beside ours, so that both meet the same minute of the same machine."""
