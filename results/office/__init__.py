"""The office: accounts, PCs, confirmations and figures, for the manager and the administrator."""
