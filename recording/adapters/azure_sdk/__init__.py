"""Helpers that all adapters over the Azure SDKs share."""
