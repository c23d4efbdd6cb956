"""The APIs of the two systems that this one replaces."""
