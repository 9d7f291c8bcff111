"""What lies in the archive: names, receipts, and what is compared with them."""
