"""Ports of the library: finding, keeping, handing over and sealing."""
