"""What part II needs from the outside world: finding, keeping, handing over and sealing."""
