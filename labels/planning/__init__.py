"""From a prescription to its containers: pure arithmetic on the site's own table."""
