"""What the project promises, one file a promise: each test fails where the promise is broken (see `make mutants`)."""
