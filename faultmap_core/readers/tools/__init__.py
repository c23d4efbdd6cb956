"""One module per evaluation tool."""
