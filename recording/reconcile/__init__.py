"""Reconcile: the timer that finds what the line has not finished."""
