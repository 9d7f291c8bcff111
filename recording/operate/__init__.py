"""Operate: use cases for operators."""
