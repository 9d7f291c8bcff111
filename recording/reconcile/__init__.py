"""Reconcile: the timer that finds what the pipeline has not finished."""
