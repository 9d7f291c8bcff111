"""What must hold for templates, workflows and pages, as checks over texts: tests and `dev prove` share them."""
