"""Taking a person, a session or old days out of everything that is kept."""
