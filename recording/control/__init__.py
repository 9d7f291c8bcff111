"""Control: callers' requests to ACS, and their audit trail."""
