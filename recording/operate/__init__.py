"""Operate: what operators look at and ask for."""
