"""Who is calling: accounts, tokens, passwords, sessions, letters, and sign-in through a provider."""
