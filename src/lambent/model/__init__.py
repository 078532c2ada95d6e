"""The nouns that more than one room speaks of: frozen values without behaviour of their own."""
