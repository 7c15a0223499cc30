"""Who is expected when: appointments, their paper, and the day on a screen."""
