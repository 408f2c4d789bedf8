"""Who may knock, and how: settings, the provider's routes, the command line and the rehearsal telephone."""
