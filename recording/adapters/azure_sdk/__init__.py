"""What all adapters over the Azure SDKs share."""
