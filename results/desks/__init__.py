"""Where the people of the laboratory sit when results are given; a desk asks and shows, its rules stand below."""
