"""Tables whose columns have to be recognised."""
