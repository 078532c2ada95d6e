"""Who may have one more execution environment: limits kept exactly, idle ones taken back in time."""
