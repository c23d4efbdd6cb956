"""Regions of prompts in which one model fails more than elsewhere."""
