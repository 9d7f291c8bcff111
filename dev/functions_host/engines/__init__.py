"""The two engines that run an app's functions, and the seam they fill."""
