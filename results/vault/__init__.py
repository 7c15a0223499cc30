"""The only place that knows keys: what is sealed here opens for the right person alone."""
