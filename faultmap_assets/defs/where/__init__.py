"""Assets that say where models fail, and where one beats another."""
